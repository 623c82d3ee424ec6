package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"portfolio/backend"
	"portfolio/backend/postgres"
)

// ledgers are the numbers of entries of the portfolios that are changed. A portfolio has
// at most 100,000, so the largest has room for the changes.
var ledgers = []int{1_000, 10_000, 99_000}

const (
	changedSymbols = 100
	changedDays    = 3_650
	// backdated is how many days before the end a backdated entry takes effect.
	backdated = 30

	targetChange   = 1.5 // times
	targetBackdate = 50 * time.Millisecond
)

// changes measures a trade that is recorded over HTTP and the valuation that follows it,
// in portfolios of several sizes.
func changes(ctx context.Context, w *world, r *report) (err error) {
	ids := make([]string, len(ledgers))
	s, err := w.startWith(ctx, func(store *postgres.DB) error {
		for i, n := range ledgers {
			if ids[i], err = w.fillLedger(ctx, store, w.least(n)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if err := s.feed(ctx, "LS", 0, changedSymbols, 0); err != nil {
		return err
	}
	var last, past []times
	for _, id := range ids {
		atEnd, err := s.change(ctx, id, today())
		if err != nil {
			return err
		}
		before, err := s.change(ctx, id, today()-backdated)
		if err != nil {
			return err
		}
		last, past = append(last, atEnd), append(past, before)
	}
	table := fmt.Sprintf("**Changes.** A purchase and the valuation after it, one at a time, %d of each kind, p50, "+
		"by the number of entries. A backdated one takes effect %d days before the end.\n\n"+
		"| | at the end | backdated |\n|---|---:|---:|", w.changes, backdated)
	for i, n := range ledgers {
		n = w.least(n)
		if i > 0 {
			name := fmt.Sprintf("change, %d entries to %d", n, w.least(ledgers[0]))
			r.times(name, targetChange, last[i].at(0.5), last[0].at(0.5))
		}
		r.atMost(fmt.Sprintf("backdated change, %d entries, median", n), targetBackdate, past[i].at(0.5))
		table += fmt.Sprintf("\n| %d | %s | %s |", n, ms(last[i].at(0.5)), ms(past[i].at(0.5)))
	}
	r.note("%s", table)
	return nil
}

// fillLedger stores a portfolio with purchases in the course of ten years.
func (w *world) fillLedger(ctx context.Context, store *postgres.DB, count int) (string, error) {
	return w.record(ctx, store, trades("L", changedSymbols, count, changedDays, today()-1))
}

// change records purchases on a day and values the portfolio after each. The first one,
// after which everything is in memory, is not counted.
func (s *service) change(ctx context.Context, id string, d backend.Date) (times, error) {
	path := "/v1/portfolios/" + id
	all, err := timed(1+s.w.changes, func(i int) error {
		body := fmt.Sprintf(`{"kind":"BUY","date":%q,"symbol":"LS%d","quantity":"3","price":"100","currency":"EUR"}`,
			d, i%changedSymbols)
		if _, err := s.call(ctx, http.MethodPost, path+"/transactions", body); err != nil {
			return err
		}
		_, err := s.call(ctx, http.MethodGet, path+"/valuation", "")
		return err
	})
	if err != nil {
		return nil, err
	}
	return all[1:], nil
}
