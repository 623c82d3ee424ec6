package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// targetGrowth is how much longer a call may take with many transactions stored.
const targetGrowth = 1.2 // times

// latencies are those of calls made one at a time.
type latencies struct{ list, valuation, reload times }

// growth measures calls with few transactions stored and with many.
func growth(ctx context.Context, w *world, r *report) (err error) {
	var few, many latencies
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
	if few, err = s.latencies(ctx, id); err != nil {
		return err
	}
	if err := w.fill(ctx, w.many); err != nil {
		return err
	}
	stored, err := w.stored(ctx)
	if err != nil {
		return err
	}
	if many, err = s.latencies(ctx, id); err != nil {
		return err
	}
	table := fmt.Sprintf("**Growth.** One call at a time, %d of each kind, p50 and p99, "+
		"by the number of stored transactions:\n\n"+
		"| | %d | %d |\n|---|---:|---:|", w.samples, w.few, stored)
	both := func(t times) string { return ms(t.at(0.5)) + ", " + ms(t.at(0.99)) }
	for _, k := range []struct {
		name      string
		few, many times
	}{
		{"list of 50 transactions", few.list, many.list},
		{"valuation", few.valuation, many.valuation},
		{"valuation after a change", few.reload, many.reload},
	} {
		r.times(k.name+", many to few transactions", targetGrowth, k.many.at(0.5), k.few.at(0.5))
		table += fmt.Sprintf("\n| %s | %s | %s |", k.name, both(k.few), both(k.many))
	}
	r.note("%s", table)
	return nil
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
