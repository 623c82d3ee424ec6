package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"portfolio/backend"
	"portfolio/backend/postgres"

	"github.com/shopspring/decimal"
)

// pasts are the portfolios whose histories are measured, with a closing price of each symbol
// on each day, and a purchase and a deposit every few days.
var pasts = []struct {
	symbols, days    int
	history, returns time.Duration // targets; 0 for none
}{
	{100, 365, 25 * time.Millisecond, 40 * time.Millisecond},
	{100, 3_650, 200 * time.Millisecond, 0},
	{900, 3_650, 1500 * time.Millisecond, 0},
}

// histories measures histories and returns, one call at a time.
func histories(ctx context.Context, w *world, r *report) (err error) {
	to := today()
	ids := make([]string, len(pasts))
	s, err := w.startWith(ctx, func(store *postgres.DB) error {
		for n, past := range pasts {
			if ids[n], err = w.fillPast(ctx, store, fmt.Sprint("H", n), past.symbols, past.days/w.shorter, to); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	for n, past := range pasts {
		days := past.days / w.shorter
		period := fmt.Sprintf("?from=%s&to=%s", to-backend.Date(days)+1, to)
		name := fmt.Sprintf("%d days of %d symbols", days, past.symbols)
		for _, call := range []struct {
			what, path string
			target     time.Duration
		}{{"history, ", "/history", past.history}, {"returns, ", "/performance", past.returns}} {
			if call.target == 0 {
				continue
			}
			took, err := timed(w.histories, func(int) error {
				_, err := s.call(ctx, http.MethodGet, "/v1/portfolios/"+ids[n]+call.path+period, "")
				return err
			})
			if err != nil {
				return err
			}
			r.atMost(call.what+name+", median", call.target, took.at(0.5))
		}
	}
	r.note("**History.** One call at a time, %d of each kind, the first included. "+
		"The portfolios have 1,000 purchases and 365 deposits.", w.histories)
	return nil
}

// fillPast stores a portfolio and the closing prices of its symbols, and returns its ID.
func (w *world) fillPast(
	ctx context.Context, store *postgres.DB, prefix string, symbols, days int, to backend.Date,
) (string, error) {
	if err := w.quoteDays(ctx, prefix, symbols, days, to); err != nil {
		return "", err
	}
	const count, deposits = 1_000, 365
	txs := trades(prefix, symbols, count, days, to)
	for i := range deposits {
		txs = append(txs, backend.Transaction{
			Kind: backend.Deposit, Date: to - backend.Date(days) + 1 + backend.Date(i*days/deposits),
			Amount: decimal.NewFromInt(1000), Currency: "EUR",
		})
	}
	return w.record(ctx, store, txs)
}
