package main

import (
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

// posters is the number of posts that the service makes concurrently.
const posters = 128

// subscribe stores connections, each of which watches its own portfolio with one of the
// symbols.
func (w *world) subscribe(ctx context.Context) error {
	err := w.insert(ctx, stored{name: "watched", owner: owner, count: w.conns, entries: 1,
		id:     "('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid",
		symbol: fmt.Sprintf("'P' || right(id::text, 12)::bigint %% %d", w.symbols), money: "'EUR'"})
	if err != nil {
		return err
	}
	const number = "right(id::text, 12)::bigint"
	if _, err := w.db.Exec(ctx, `
		insert into connections
		select 'c' || `+number+`, 'api.example', 'prod', null, now(), now() + interval '2 hours', $2::text, $1::uuid
		from portfolios where name = 'watched'`, w.keyID, owner); err != nil {
		return err
	}
	if _, err = w.db.Exec(ctx, `
		insert into subscriptions (connection_id, portfolio_id, after)
		select 'c' || `+number+`, id, 0 from portfolios where name = 'watched'`); err != nil {
		return err
	}
	_, err = w.db.Exec(ctx, "vacuum analyze")
	return err
}

// pushed is what was measured while quotes arrived.
type pushed struct {
	updates, posts int64
	took           time.Duration
	cost           time.Duration // processor time of a post
	lags           times
	memory         int64
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
	if err := s.firstPrices(ctx); err != nil {
		return fmt.Errorf("first prices: %w", err)
	}
	for n := range w.refusing {
		w.gateway.Answer(fmt.Sprint("c", 1+n), pushtest.Answer{Status: http.StatusGone})
		w.gateway.Answer(fmt.Sprint("c", 1+w.refusing+n), pushtest.Answer{Status: http.StatusTooManyRequests})
	}
	p, err := s.push(ctx)
	if err != nil {
		return err
	}
	if err := w.goneRemoved(ctx); err != nil {
		return err
	}
	bare, err := w.postBare(ctx, p.posts)
	if err != nil {
		return err
	}
	w.reportPush(r, p, bare, subscribed)
	return nil
}

// firstPrices sends a price of each symbol, so that every later one is an update.
func (s *service) firstPrices(ctx context.Context) error {
	if err := s.feed(ctx, "P", 0, s.w.symbols, 0); err != nil {
		return err
	}
	err := s.w.await(ctx, time.Minute, func() bool { return s.w.arrived.deltas() >= s.w.conns })
	s.w.arrived.take()
	return err
}

// push sends quotes and measures the posts.
func (s *service) push(ctx context.Context) (p pushed, err error) {
	before, began := s.w.gateway.Posts(), time.Now()
	usedBefore, err := used(s.cmd)
	if err != nil {
		return p, err
	}
	if p.updates, err = s.update(ctx); err != nil {
		return p, err
	}
	p.took, p.posts = time.Since(began), s.w.gateway.Posts()-before
	usedAfter, err := used(s.cmd)
	if err != nil {
		return p, err
	}
	p.cost = (usedAfter - usedBefore) / time.Duration(max(p.posts, 1))
	var malformed int
	if p.lags, malformed = s.w.arrived.take(); malformed > 0 {
		return p, fmt.Errorf("got %d deltas without a quote", malformed)
	}
	p.memory, err = peak(s.cmd)
	return p, err
}

// goneRemoved waits until exactly the connections that are gone are removed. All of them
// have been posted to.
func (w *world) goneRemoved(ctx context.Context) error {
	left := 0
	err := w.await(ctx, 20*time.Second, func() bool {
		err := w.db.QueryRow(ctx, "select count(*) from connections").Scan(&left)
		return err == nil && left <= w.conns-w.refusing
	})
	if err == nil && left != w.conns-w.refusing {
		err = errors.New("too many are removed")
	}
	if err != nil {
		return fmt.Errorf("got %d connections, want %d after those that are gone are removed: %w",
			left, w.conns-w.refusing, err)
	}
	return nil
}

func (w *world) reportPush(r *report, p pushed, bare, subscribed time.Duration) {
	rate, want := perSecond(int(p.posts), p.took), float64(w.updates*w.conns/w.symbols)
	r.atMost("push lag, median", targetLag, p.lags.at(0.5))
	r.atMost("push lag, p99", targetLagP99, p.lags.at(0.99))
	r.add("posts per second", fmt.Sprintf("%.0f before coalescing", want), fmt.Sprintf("%.0f", rate),
		rate >= targetPostsPerSec*want)
	r.compare("post", comparison{p.cost, bare, 2, 3.97, 0.5})
	r.note(`**Push.** %d connections each watch their own portfolio with one of %d symbols; %d quotes
per second arrive for %s over the HTTP API, each for a symbol that %d connections watch. %d
of the connections answer 410 and %d answer 429. PUSH_RATE is %d per second. All snapshots
had arrived %.1f s after the process started. %d quotes were accepted and %d posts made. The
lag, from the receipt of a message's oldest quote to the arrival of the message, over %d
messages: p50 %s, p99 %s, maximum %s. A post, with all the work that leads to it, costs the
service %s of processor time, and a bare client that makes the same posts %s. The process
used at most %d MB. Exactly the connections that are gone were removed.`,
		w.conns, w.symbols, w.updates, p.took.Round(time.Second), w.conns/w.symbols, w.refusing, w.refusing,
		w.pushRate, subscribed.Seconds(), p.updates, p.posts,
		len(p.lags), ms(p.lags.at(0.5)), ms(p.lags.at(0.99)), ms(p.lags.at(1)), ms(p.cost), ms(bare), p.memory>>20)
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
