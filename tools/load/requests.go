package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

// times are durations of calls.
type times []time.Duration

// at returns a quantile: at(0.99) is the 99th percentile.
func (t times) at(share float64) time.Duration {
	if len(t) == 0 {
		return 0
	}
	slices.Sort(t)
	return t[int(share*float64(len(t)-1))]
}

// feed sends new prices of the symbols whose names are prefix and a number from from to
// to-1.
func (s *service) feed(ctx context.Context, prefix string, from, to int, price time.Duration) error {
	now := time.Now().UTC().Format(time.RFC3339Nano)
	var quotes []string
	for i := from; i < to; i++ {
		quotes = append(quotes, fmt.Sprintf(`{"symbol":"%s%d","price":"%d.%02d","currency":%q,"source":"load","time":%q}`,
			prefix, i, 10+price/100, price%100, currencyOf(prefix, i), now))
	}
	body := `{"quotes":[` + strings.Join(quotes, ",") + `],"rates":[]}`
	if prefix == "V" {
		rate := `{"from":"USD","to":"EUR","rate":"0.91","source":"load","time":"` + now + `"}`
		body = strings.Replace(body, `"rates":[]`, `"rates":[`+rate+`]`, 1)
	}
	_, err := s.call(ctx, http.MethodPost, "/v1/quotes", body)
	return err
}

// currencyOf returns the currency of a symbol. A quarter of the holdings of the valued
// portfolio are not in its base currency.
func currencyOf(prefix string, i int) string {
	if prefix == "V" && i%4 == 0 {
		return "USD"
	}
	return "EUR"
}

// fill adds portfolios, with one transaction for each holding, until total transactions
// are stored.
func (w *world) fill(ctx context.Context, total int) error {
	if _, err := w.db.Exec(ctx, `
		with p as (
			insert into portfolios
			select gen_random_uuid(), $1, 'valued', 'EUR', 'FIFO', false, 1, $2, $2, now(), now()
			from generate_series(1, ($3 - (select count(*) from transactions)) / $2) returning id
		)
		insert into transactions
		select id, gen_random_uuid(), i, 'BUY', date '2025-01-01' + i::integer, 'V' || i - 1, 1, 10, 0,
			case when (i - 1) % 4 = 0 then 'USD' else 'EUR' end, 0, 0, 0, '', 1, now()
		from p, generate_series(1, $2::bigint) i`, owner, w.holdings, total); err != nil {
		return err
	}
	_, err := w.db.Exec(ctx, "vacuum analyze")
	return err
}

// portfolio returns the ID of one of the portfolios that fill added.
func (w *world) portfolio(ctx context.Context) (id string, err error) {
	err = w.db.QueryRow(ctx,
		"select id::text from portfolios where name = 'valued' order by created_at, id limit 1").Scan(&id)
	return id, err
}

// latencies are those of calls made one at a time.
type latencies struct{ list, valuation, reload times }

// growth measures calls with few transactions stored and with many.
func growth(ctx context.Context, w *world, r *report) (err error) {
	if err := w.fill(ctx, w.few); err != nil {
		return err
	}
	s, err := w.start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	id, err := w.portfolio(ctx)
	if err != nil {
		return err
	}
	if r.few, err = s.latencies(ctx, id); err != nil {
		return err
	}
	if err := w.fill(ctx, w.many); err != nil {
		return err
	}
	if err := w.db.QueryRow(ctx, "select count(*) from transactions").Scan(&r.stored); err != nil {
		return err
	}
	r.many, err = s.latencies(ctx, id)
	return err
}

func (s *service) latencies(ctx context.Context, id string) (l latencies, err error) {
	if err := s.feed(ctx, "V", 0, s.w.holdings, 0); err != nil {
		return l, err
	}
	path := "/v1/portfolios/" + id
	for i := range s.w.samples + s.w.samples/10 {
		if i == s.w.samples/10 {
			l = latencies{} // the calls before were to warm up
		}
		for _, one := range []struct {
			path  string
			times *times
		}{
			{path + "/transactions?limit=50", &l.list},
			{path + "/valuation", &l.reload},
			{path + "/valuation", &l.valuation},
		} {
			if one.times == &l.reload {
				// Like a change of the portfolio, this makes the service read its transactions again.
				if _, err := s.w.db.Exec(ctx, "update portfolios set version = version + 1 where id = $1", id); err != nil {
					return l, err
				}
			}
			began := time.Now()
			if _, err := s.call(ctx, http.MethodGet, one.path, ""); err != nil {
				return l, err
			}
			*one.times = append(*one.times, time.Since(began))
		}
	}
	return l, nil
}

// valuations measures clients that request the valuation of one portfolio as fast as they
// are answered.
func valuations(ctx context.Context, w *world, r *report) (err error) {
	s, err := w.start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	id, err := w.portfolio(ctx)
	if err != nil {
		return err
	}
	if err := s.feed(ctx, "V", 0, w.holdings, 1); err != nil {
		return err
	}
	path := "/v1/portfolios/" + id + "/valuation"
	body, err := s.call(ctx, http.MethodGet, path, "")
	if err != nil {
		return err
	}
	var v struct {
		State     string
		Positions []json.RawMessage
	}
	if err := json.Unmarshal(body, &v); err != nil || len(v.Positions) != w.holdings {
		return fmt.Errorf("valuation: got %d positions, want %d (%w)", len(v.Positions), w.holdings, err)
	}
	r.answer, r.state = len(body), v.State
	get := func() error {
		_, err := s.call(ctx, http.MethodGet, path, "")
		return err
	}
	if r.valued, err = w.pressure(s.cmd, get); err != nil {
		return err
	}
	if r.valuingPeak, err = peak(s.cmd); err != nil {
		return err
	}
	bare, err := startBare(ctx, body)
	if err != nil {
		return fmt.Errorf("bare server: %w", err)
	}
	defer func() { err = errors.Join(err, bare.stop()) }()
	same := *s
	same.base = bare.base
	r.valuedBare, err = w.pressure(bare.cmd, func() error {
		_, err := same.call(ctx, http.MethodGet, path, "")
		return err
	})
	return err
}

// pressed is the outcome of pressure.
type pressed struct {
	times
	took time.Duration // all of it
	cost time.Duration // processor time of the server for one call
}

// pressure runs clients that call a server, each again as soon as it is answered.
func (w *world) pressure(server *exec.Cmd, call func() error) (p pressed, err error) {
	before, err := used(server)
	if err != nil {
		return p, err
	}
	var clients sync.WaitGroup
	all, failures := make([]times, w.clients), make([]error, w.clients)
	began := time.Now()
	for c := range w.clients {
		clients.Go(func() {
			for failures[c] == nil && time.Since(began) < w.valuing {
				start := time.Now()
				failures[c] = call()
				all[c] = append(all[c], time.Since(start))
			}
		})
	}
	clients.Wait()
	p.times, p.took = slices.Concat(all...), time.Since(began)
	after, err := used(server)
	if err := errors.Join(append(failures, err)...); err != nil {
		return p, err
	}
	p.cost = (after - before) / time.Duration(len(p.times))
	return p, nil
}
