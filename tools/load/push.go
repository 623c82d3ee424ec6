package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"portfolio/backend/push/pushtest"
)

const (
	targetLag         = 50 * time.Millisecond
	targetLagP99      = 250 * time.Millisecond
	targetPostsPerSec = 0.95 // of those that are due
)

// arrivals collects the messages that clients receive.
type arrivals struct {
	snapshots atomic.Int64
	mu        sync.Mutex
	lags      times // of deltas, from the receipt of the oldest quote in them
	malformed int
	last      []byte // the last delta
}

// posters is the number of posts that the service makes concurrently.
const posters = 128

// sample returns the last delta that arrived.
func (a *arrivals) sample() []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last
}

var (
	snapshotType = []byte(`"type":"snapshot"`)
	deltaType    = []byte(`"type":"delta"`)
	receivedName = []byte(`"received":"`)
)

// add records a message. It searches the text instead of decoding it, because the load
// and the service share the processors.
func (a *arrivals) add(_ string, message []byte) {
	now := time.Now()
	if bytes.Contains(message, snapshotType) {
		a.snapshots.Add(1)
	}
	if !bytes.Contains(message, deltaType) {
		return
	}
	var oldest time.Time
	for rest := message; ; {
		_, after, found := bytes.Cut(rest, receivedName)
		if !found {
			break
		}
		text, _, _ := bytes.Cut(after, []byte(`"`))
		if at, err := time.Parse(time.RFC3339Nano, string(text)); err == nil && (oldest.IsZero() || at.Before(oldest)) {
			oldest = at
		}
		rest = after
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last = message
	if oldest.IsZero() {
		a.malformed++
		return
	}
	a.lags = append(a.lags, now.Sub(oldest))
}

// take returns the lags since the last call.
func (a *arrivals) take() (lags times, malformed int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	lags, malformed = a.lags, a.malformed
	a.lags, a.malformed = nil, 0
	return lags, malformed
}

// subscribe stores connections, each of which watches its own portfolio with one of the
// symbols.
func (w *world) subscribe(ctx context.Context) error {
	_, err := w.db.Exec(ctx, `
		insert into portfolios
		select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid,
			$1, 'watched', 'EUR', 'FIFO', false, 1, 1, 1, now(), now()
		from generate_series(1, $2::bigint) n`, owner, w.conns)
	if err != nil {
		return err
	}
	const number = "right(id::text, 12)::bigint"
	for _, statement := range []string{
		`insert into transactions
		select id, gen_random_uuid(), 1, 'BUY', date '2025-01-01', 'P' || ` + number + ` % $1,
			1, 10, 0, 'EUR', 0, 0, 0, '', 1, now()
		from portfolios where name = 'watched' and $1::bigint > 0 and $2::uuid is not null and $3 <> ''`,
		`insert into connections
		select 'c' || ` + number + `, 'api.example', 'prod', null, now(), now() + interval '2 hours', $3::text, $2::uuid
		from portfolios where name = 'watched' and $1::bigint > 0`,
		`insert into subscriptions (connection_id, portfolio_id, after)
		select 'c' || ` + number + `, id, 0 from portfolios
		where name = 'watched' and $1::bigint > 0 and $2::uuid is not null and $3 <> ''`,
	} {
		if _, err := w.db.Exec(ctx, statement, w.symbols, w.keyID, owner); err != nil {
			return err
		}
	}
	_, err = w.db.Exec(ctx, "vacuum analyze")
	return err
}

// pushes sends quotes to the service while all connections watch, and measures the
// messages.
func pushes(ctx context.Context, w *world, r *report) (err error) {
	if err := w.subscribe(ctx); err != nil {
		return err
	}
	began := time.Now()
	s, err := w.start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	all := func() bool { return w.arrived.snapshots.Load() >= int64(w.conns) }
	if err := w.await(ctx, 2*time.Minute, all); err != nil {
		return fmt.Errorf("got %d snapshots, want %d: %w", w.arrived.snapshots.Load(), w.conns, err)
	}
	subscribed := time.Since(began)
	// The first prices, so that every later one is an update.
	if err := s.feed(ctx, "P", 0, w.symbols, 0); err != nil {
		return err
	}
	if err := w.await(ctx, time.Minute, func() bool {
		w.arrived.mu.Lock()
		defer w.arrived.mu.Unlock()
		return len(w.arrived.lags) >= w.conns
	}); err != nil {
		return fmt.Errorf("first prices: %w", err)
	}
	w.arrived.take()
	for n := range w.refusing {
		w.gateway.Answer(fmt.Sprint("c", 1+n), pushtest.Answer{Status: http.StatusGone})
		w.gateway.Answer(fmt.Sprint("c", 1+w.refusing+n), pushtest.Answer{Status: http.StatusTooManyRequests})
	}
	before, began := w.gateway.Posts(), time.Now()
	usedBefore, err := used(s.cmd)
	if err != nil {
		return err
	}
	updates, err := s.update(ctx)
	if err != nil {
		return err
	}
	pushing, posts := time.Since(began), w.gateway.Posts()-before
	usedAfter, err := used(s.cmd)
	if err != nil {
		return err
	}
	cost := (usedAfter - usedBefore) / time.Duration(posts)
	lags, malformed := w.arrived.take()
	if malformed > 0 {
		return fmt.Errorf("got %d deltas without a quote", malformed)
	}
	memory, err := peak(s.cmd)
	if err != nil {
		return err
	}
	left := func() (n int, err error) {
		err = w.db.QueryRow(ctx, "select count(*) from connections").Scan(&n)
		return n, err
	}
	// Every connection that is gone has been posted to by now.
	err = w.await(ctx, 20*time.Second, func() bool { n, err := left(); return err == nil && n <= w.conns-w.refusing })
	if n, err := left(); err != nil || n != w.conns-w.refusing {
		return fmt.Errorf("got %d connections, want %d after those that are gone are removed: %w", n, w.conns-w.refusing, err)
	}
	if err != nil {
		return err
	}
	bare, err := w.postBare(ctx, posts)
	if err != nil {
		return err
	}
	rate, want := perSecond(int(posts), pushing), float64(w.updates*w.conns/w.symbols)
	r.atMost("push lag, median", targetLag, lags.at(0.5))
	r.atMost("push lag, p99", targetLagP99, lags.at(0.99))
	r.add("posts per second", fmt.Sprintf("%.0f before coalescing", want), fmt.Sprintf("%.0f", rate), rate >= targetPostsPerSec*want)
	r.compare("post", comparison{cost, bare, 2, 3.97, 0.5})
	r.note(`**Push.** %d connections each watch their own portfolio with one of %d symbols; %d quotes
per second arrive for %s over the HTTP API, each for a symbol that %d connections watch. %d
of the connections answer 410 and %d answer 429. PUSH_RATE is %d per second. All snapshots
had arrived %.1f s after the process started. %d quotes were accepted and %d posts made. The
lag, from the receipt of a message's oldest quote to the arrival of the message, over %d
messages: p50 %s, p99 %s, maximum %s. A post, with all the work that leads to it, costs the
service %s of processor time, and a bare client that makes the same posts %s. The process
used at most %d MB. Exactly the connections that are gone were removed.`,
		w.conns, w.symbols, w.updates, pushing.Round(time.Second), w.conns/w.symbols, w.refusing, w.refusing,
		w.pushRate, subscribed.Seconds(), updates, posts, len(lags), ms(lags.at(0.5)), ms(lags.at(0.99)), ms(lags.at(1)),
		ms(cost), ms(bare), memory>>20)
	return nil
}

// postBare returns what a post costs the bare client, which makes as many posts in the same
// bursts.
func (w *world) postBare(ctx context.Context, posts int64) (time.Duration, error) {
	use, err := runPosts(ctx, barePosts{
		URL: w.gateway.URL + "/prod/@connections/c0", Message: w.arrived.sample(), Posts: posts,
		Burst: int64(w.conns / w.symbols), Every: time.Second / time.Duration(w.updates), Workers: posters,
		Signature: "AWS4-HMAC-SHA256 " + strings.Repeat("x", 180),
	})
	if err != nil {
		return 0, err
	}
	w.arrived.take()
	return use.Used / time.Duration(use.Posts), nil
}

// update sends one quote after the other at a fixed rate, however fast they are
// answered. It returns how many were accepted.
func (s *service) update(ctx context.Context) (int64, error) {
	var calls sync.WaitGroup
	var taken atomic.Int64
	var failure atomic.Pointer[error]
	tick := time.NewTicker(time.Second / time.Duration(s.w.updates))
	defer tick.Stop()
	began := time.Now()
	for n := 0; time.Since(began) < s.w.pushing && failure.Load() == nil; n++ {
		symbol := n % s.w.symbols
		calls.Go(func() {
			if err := s.feed(ctx, "P", symbol, symbol+1, time.Duration(n+1)); err != nil {
				failure.Store(&err)
				return
			}
			taken.Add(1)
		})
		<-tick.C
	}
	calls.Wait()
	if err := failure.Load(); err != nil {
		return 0, *err
	}
	return taken.Load(), nil
}

// await waits until done returns true.
func (w *world) await(ctx context.Context, atMost time.Duration, done func() bool) error {
	for deadline := time.Now().Add(atMost); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("not within %s", atMost)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}
