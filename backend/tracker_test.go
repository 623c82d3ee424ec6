package backend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"portfolio/contract/wire"
)

func TestTrackerHoldingsAsOf(t *testing.T) {
	tracker, s, _ := tracked(t, hours(t, "2026-03-05", 12),
		buy(t, "2026-03-01", "10", "5", "0"), sell(t, "2026-03-03", "4", "6", "0"), buy(t, "2026-03-09", "1", "7", "0"))
	for _, test := range []struct {
		asOf    time.Time
		through string
		want    string
	}{
		{time.Time{}, "2026-03-05", "6"},
		{hours(t, "2026-02-28", 23), "2026-02-28", "none"},
		{hours(t, "2026-03-01", 0), "2026-03-01", "10"},
		{hours(t, "2026-03-02", 0), "2026-03-02", "10"},
		{Close(day(t, "2026-03-03")), "2026-03-03", "6"},
		{hours(t, "2026-03-10", 0), "2026-03-10", "7"},
	} {
		ledger, err := tracker.Holdings(t.Context(), "alice", "p", test.asOf)
		if err != nil {
			t.Fatal(err)
		}
		got := "none"
		if h, found := ledger.Holding("ACME"); found {
			got = h.Quantity.String()
		}
		if got != test.want || ledger.Through.String() != test.through {
			t.Errorf("Holdings(%s) = %s through %s, want %s through %s", test.asOf, got,
				ledger.Through, test.want, test.through)
		}
	}
	if s.loads != 1 {
		t.Errorf("the transactions were read %d times, want once", s.loads)
	}
	if _, err := tracker.Holdings(t.Context(), "mallory", "p", time.Time{}); code(err) != CodeNotFound {
		t.Errorf("Holdings() of another owner = %v, want %s", err, CodeNotFound)
	}
}

func code(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestTrackerValuation(t *testing.T) {
	now := hours(t, "2026-03-05", 12)
	tracker, _, market := tracked(t, now, buy(t, "2026-03-01", "10", "5", "0"))
	market.quotes = []Quote{
		quote("ACME", "6", "EUR", hours(t, "2026-03-01", 17)), quote("ACME", "7", "EUR", hours(t, "2026-03-03", 17)),
		quote("ACME", "8", "USD", now.Add(-time.Second)),
	}
	market.rates = []Rate{rate("USD", "EUR", "0.5", now.Add(-time.Hour))}
	for _, test := range []struct {
		name  string
		asOf  time.Time
		want  string
		state State
	}{
		{"now, quoted in a currency that is not held", time.Time{}, "-10", StateStale},
		{"before the price of its day was known", hours(t, "2026-03-03", 9), "10", StateStale},
		{"when it has just become known", hours(t, "2026-03-03", 17), "20", StatePriced},
		{"the close of a day without a price", Close(day(t, "2026-03-04")), "20", StateStale},
		{"before all prices", hours(t, "2026-03-01", 9), "0", StateEstimated},
	} {
		v, err := tracker.Valuation(t.Context(), "alice", "p", test.asOf)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if v.Total.Valid {
			got = v.Total.Decimal.String()
		}
		if v.State != test.state || got != test.want {
			t.Errorf("%s: Valuation() = %s %v, want %s %s", test.name, v.State, v.Total, test.state, test.want)
		}
		if test.asOf.IsZero() && !v.AsOf.Equal(now) {
			t.Errorf("%s: AsOf = %s, want %s", test.name, v.AsOf, now)
		}
	}
	market.err = errors.New("away")
	if _, err := tracker.Valuation(t.Context(), "alice", "p", time.Time{}); !errors.Is(err, market.err) {
		t.Errorf("Valuation() without a market = %v, want %v", err, market.err)
	}
}

// A day of the history is the valuation at its close.
func TestTrackerHistory(t *testing.T) {
	now := hours(t, "2026-12-31", 12)
	first, last := day(t, "2026-01-01"), day(t, "2026-12-31")
	txs := []Transaction{money(t, Deposit, "2026-01-02", "2000", "0"), buy(t, "2026-01-02", "10", "100", "0"),
		money(t, Deposit, "2026-06-01", "500", "0"), sell(t, "2026-09-01", "10", "130", "0"),
		money(t, Withdrawal, "2026-09-02", "100", "0")}
	tracker, s, market := tracked(t, now, txs...)
	for d := first; d <= last; d += 3 {
		market.quotes = append(market.quotes,
			quote("ACME", fmt.Sprint(100+int(d-first)), "EUR", d.Midnight().Add(time.Hour)))
	}
	ctx := t.Context()
	closing := func(d Date) Prices {
		prices, _ := market.Closing(ctx, []string{"ACME"}, []Currency{"EUR"}, d)
		return prices[d]
	}

	market.asked.Store(0)
	history, err := tracker.History(ctx, "alice", "p", first, last)
	if err != nil {
		t.Fatal(err)
	}
	if n := market.asked.Load(); n != 1 {
		t.Errorf("the market was asked %d times for 365 days in one currency, want once", n)
	}
	if len(history) != 365 {
		t.Fatalf("History() has %d days, want 365", len(history))
	}
	for i, v := range history {
		d := first + Date(i)
		ledger := derive(t, s.portfolio.Policy, slices.DeleteFunc(slices.Clone(s.txs), func(tx Transaction) bool {
			return tx.Date > d
		}))
		whole := Value(ledger, "EUR", Close(d), closing(d))
		if d == last {
			whole = Value(ledger, "EUR", now, closing(d))
		}
		expected := DayValue{d, Worth{whole.State, whole.Total, whole.Invested, whole.Cash}}
		if asText(t, v) != asText(t, expected) {
			t.Errorf("History()[%d] = %s, want %s", i, asText(t, v), asText(t, expected))
		}
	}
	for _, period := range [][2]Date{{last, first}, {0, last}, {last - MaxDays, last}} {
		if _, err := tracker.History(ctx, "alice", "p", period[0], period[1]); code(err) != CodeInvalidRequest {
			t.Errorf("History(%s, %s) = %v, want %s", period[0], period[1], err, CodeInvalidRequest)
		}
	}
	market.err = errors.New("away")
	_, err = tracker.Performance(ctx, "alice", "p", first, last)
	_, historyErr := tracker.History(ctx, "alice", "p", first, last)
	if !errors.Is(err, market.err) || !errors.Is(historyErr, market.err) {
		t.Errorf("without a market: %v and %v, want %v", err, historyErr, market.err)
	}
}

func asText(t testing.TB, value any) string {
	t.Helper()
	b, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A new version is read once by any number of callers, and the previous one is not
// returned again.
func TestTrackerReadsEachVersionOnce(t *testing.T) {
	tracker, s, _ := tracked(t, hours(t, "2026-03-05", 12), buy(t, "2026-03-01", "1", "5", "0"))
	for version := int64(2); version < 5; version++ {
		block := make(chan struct{})
		s.change(func() {
			s.record(buy(t, "2026-03-01", "1", "5", "0"))
			s.block, s.loads = block, 0
		})
		var callers sync.WaitGroup
		for range 20 {
			callers.Go(func() {
				ledger, err := tracker.Holdings(t.Context(), "alice", "p", time.Time{})
				if err != nil {
					t.Error(err)
				} else if h, _ := ledger.Holding("ACME"); h.Quantity.IntPart() != version {
					t.Errorf("Holdings() = %s, want %d", h.Quantity, version)
				}
			})
		}
		close(block)
		callers.Wait()
		if s.loads > 2 { // two if a caller came just after the first load ended
			t.Errorf("version %d was read %d times, want once", version, s.loads)
		}
	}
	// A caller that gives up does not affect others that wait for the same load.
	block := make(chan struct{})
	s.change(func() { s.portfolio.Version, s.block = 5, block })
	impatient, cancel := context.WithCancel(t.Context())
	gaveUp := make(chan error)
	go func() {
		_, err := tracker.Holdings(impatient, "alice", "p", time.Time{})
		gaveUp <- err
	}()
	cancel()
	if err := <-gaveUp; code(err) != wire.CodeUnavailable {
		t.Errorf("Holdings() after giving up = %v, want %s", err, wire.CodeUnavailable)
	}
	close(block)
	if _, err := tracker.Holdings(t.Context(), "alice", "p", time.Time{}); err != nil {
		t.Error(err)
	}
	s.change(func() { s.portfolio.Version, s.failure = 6, errors.New("away") })
	if _, err := tracker.Holdings(t.Context(), "alice", "p", time.Time{}); !errors.Is(err, s.failure) {
		t.Errorf("Holdings() without a store = %v, want %v", err, s.failure)
	}
	s.change(func() { s.failure = nil })
	if _, err := tracker.Holdings(t.Context(), "alice", "p", time.Time{}); err != nil {
		t.Errorf("failures are not cached: %v", err)
	}
}

func TestTrackerEvictsLeastRecentlyUsed(t *testing.T) {
	tracker, s, _ := tracked(t, hours(t, "2026-03-05", 12), buy(t, "2026-03-01", "1", "5", "0"),
		buy(t, "2026-03-01", "1", "5", "0"))
	tracker.books.limit = 6 // two portfolios of two
	ask := func(id string, loads int) {
		t.Helper()
		s.loads = 0
		if _, err := tracker.Holdings(t.Context(), "alice", id, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if s.loads != loads {
			t.Errorf("%s was read %d times, want %d", id, s.loads, loads)
		}
	}
	ask("a", 1)
	ask("b", 1)
	ask("a", 0)
	ask("c", 1) // b is evicted
	ask("a", 0)
	ask("b", 1) // c is evicted
	if held, n := tracker.books.held, tracker.books.order.Len(); held != 6 || n != 2 || len(tracker.books.byID) != 2 {
		t.Errorf("the cache has %d in %d portfolios, want 6 in 2", held, n)
	}
	tracker.books.limit = 1
	ask("big", 1)
	ask("big", 0) // one larger than the limit is kept while it is the only one
}

// What a history or a performance costs is counted from the first entry, however long
// ago its period began.
func TestTrackerCountsCloses(t *testing.T) {
	other := buy(t, "2026-03-02", "1", "5", "0")
	other.Symbol = "OTHER"
	tracker, _, _ := tracked(t, hours(t, "2026-03-05", 12), buy(t, "2026-03-01", "10", "5", "0"), other)
	for from, want := range map[string]int{"": 12, "1900-01-01": 12, "2026-02-28": 12,
		"2026-03-03": 6, "2026-03-05": 2} {
		since := Date(0)
		if from != "" {
			since = day(t, from)
		}
		got, err := tracker.Closes(t.Context(), "alice", "p", since, day(t, "2026-03-05"))
		if err != nil || got != want {
			t.Errorf("Closes(%q) = %d, %v, want %d", from, got, err, want)
		}
		if all, err := tracker.Closes(t.Context(), "alice", "", since, day(t, "2026-03-05")); err != nil || all != want {
			t.Errorf("Closes of all(%q) = %d, %v, want %d", from, all, err, want)
		}
	}
}
