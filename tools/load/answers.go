package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"portfolio/backend"
	"portfolio/backend/postgres"

	"github.com/shopspring/decimal"
)

// colds are questions about portfolios that the service has not read yet, with 1,000
// trades in 100 symbols in the course of a year.
var colds = []struct {
	name, path string
	target     time.Duration
}{
	{"valuation", "/valuation", 25 * time.Millisecond},
	{"holdings with lots", "/holdings", 25 * time.Millisecond},
	{"returns of a year", "/performance?from=%s&to=%s", 60 * time.Millisecond},
}

const targetImport = 250 * time.Millisecond

// answers measures the first answers about portfolios, and imports, one call at a time.
func answers(ctx context.Context, w *world, r *report) (err error) {
	const symbols, rows = 100, 1_000
	days, to := 365/w.shorter, today()
	ids := make([]string, (len(colds)+1)*w.histories)
	s, err := w.startWith(ctx, func(store *postgres.DB) error {
		if err := w.quoteDays(ctx, "C", symbols, days, to); err != nil {
			return err
		}
		for i := range ids {
			list := trades("C", symbols, rows, days, to)
			if i/w.histories == len(colds) {
				list = nil // for the imports
			}
			if ids[i], err = w.record(ctx, store, list); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if _, err := s.call(ctx, http.MethodGet, "/v1/portfolios", ""); err != nil { // connects to the database
		return err
	}
	for n, cold := range colds {
		path := cold.path
		if strings.Contains(path, "%s") {
			path = fmt.Sprintf(path, to-backend.Date(days)+1, to)
		}
		took, err := timed(w.histories, func(i int) error {
			_, err := s.call(ctx, http.MethodGet, "/v1/portfolios/"+ids[n*w.histories+i]+path, "")
			return err
		})
		if err != nil {
			return err
		}
		r.atMost("first answer, "+cold.name+", median", cold.target, took.at(0.5))
	}
	file := importFile(trades("C", symbols, rows, days, to))
	took, err := timed(w.histories, func(i int) error {
		_, err := s.call(ctx, http.MethodPost, "/v1/portfolios/"+ids[len(colds)*w.histories+i]+"/transactions.csv", file)
		return err
	})
	if err != nil {
		return err
	}
	r.atMost(fmt.Sprintf("import of %d rows, median", rows), targetImport, took.at(0.5))
	return nil
}

// importFile returns trades in the service's own layout.
func importFile(list []backend.Transaction) string {
	var file strings.Builder
	file.WriteString("kind,date,symbol,quantity,price,currency\n")
	for _, t := range list {
		fmt.Fprintf(&file, "%s,%s,%s,%s,%s,%s\n", t.Kind, t.Date, t.Symbol, t.Quantity, t.Price, t.Currency)
	}
	return file.String()
}

// derivations compares deriving 10,000 trades with deriving as many splits and trades.
func derivations(ctx context.Context, w *world, r *report) error {
	count := w.least(10_000)
	derive := func(splits bool) (times, error) {
		list := trades("D", 1, count, count, today())
		for i := range list {
			list[i].ID, list[i].Sequence = fmt.Sprint(i), int64(i+1)
			if splits && i%2 == 1 {
				list[i] = backend.Transaction{ID: list[i].ID, Sequence: list[i].Sequence, Kind: backend.Split, Date: list[i].Date,
					Symbol: list[i].Symbol, Ratio: backend.Ratio{New: int64(1 + i/2%2), Old: int64(2 - i/2%2)}}
			}
			if !splits && i%4 == 3 {
				list[i].Kind, list[i].Quantity = backend.Sell, decimal.NewFromInt(1)
			}
		}
		return timed(w.histories, func(int) error {
			_, err := backend.Derive(ctx, backend.Policy{Method: backend.FIFO}, list, today())
			return err
		})
	}
	plain, err := derive(false)
	if err != nil {
		return err
	}
	mixed, err := derive(true)
	if err != nil {
		return err
	}
	r.times(fmt.Sprintf("deriving %d splits and trades, to %d trades", count, count), 2, mixed.at(0.5), plain.at(0.5))
	return nil
}
