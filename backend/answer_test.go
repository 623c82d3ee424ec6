package backend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
)

// Whatever happens between two answers, each equals the valuation at its time, byte for
// byte.
func TestValuationJSONEqualsValuation(t *testing.T) {
	now := hours(t, "2026-03-05", 20)
	bonds := buy(t, "2026-03-02", "3", "50", "1")
	bonds.Symbol, bonds.Currency = "BOND", "USD"
	tracker, s, market := tracked(t, now, buy(t, "2026-03-01", "10", "5", "0"), bonds)
	tracker.now = func() time.Time { return now }
	counted := &counting{Pricer: tracker.prices, market: market}
	tracker.prices = counted
	reused := 0
	random := rand.New(rand.NewPCG(1, 2))
	for step := range 2_000 {
		at := now.Add(time.Duration(random.IntN(8)-1) * time.Second)
		switch random.IntN(12) {
		case 0: // may exceed the allowed skew
			symbol := []string{"ACME", "BOND"}[random.IntN(2)]
			q := quote(symbol, fmt.Sprint(5+random.IntN(9)), []Currency{"EUR", "USD"}[random.IntN(2)], at)
			q.Source = `"age_ms":1,"as_of":`
			market.quotes = append(market.quotes, q)
		case 1:
			market.rates = append(market.rates, rate("USD", "EUR", "0."+fmt.Sprint(5+random.IntN(5)), at))
		case 2:
			s.change(func() { s.record(buy(t, DateOf(now).String(), "1", "6", "0")) })
		case 3:
			s.change(func() {
				s.portfolio.Base = []Currency{"EUR", "USD"}[random.IntN(2)]
				s.portfolio.Version++
			})
		case 4:
			now = now.Add(time.Duration(random.IntN(90)) * time.Second)
		case 5:
			tracker.Corrected()
		default:
			now = now.Add(time.Duration(random.IntN(2_000_000)) * time.Microsecond)
		}
		slices.SortStableFunc(market.quotes, func(a, b Quote) int { return a.Time.Compare(b.Time) })
		slices.SortStableFunc(market.rates, func(a, b Rate) int { return a.Time.Compare(b.Time) })
		reads := counted.reads
		got, err := tracker.ValuationJSON(t.Context(), "alice", "p")
		if err != nil {
			t.Fatal(err)
		}
		if reads == counted.reads {
			reused++
		}
		v, err := tracker.Valuation(t.Context(), "alice", "p", time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		want, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want)+"\n" {
			t.Fatalf("step %d: ValuationJSON() = %s, want %s", step, got, want)
		}
	}
	if reused < 400 {
		t.Errorf("%d answers did not read the prices, want most of those between two changes", reused)
	}
}

// counting counts the prices in a market as their changes, and how often they are read.
type counting struct {
	Pricer
	market *board
	reads  int
}

func (c *counting) Changes() uint64 {
	return uint64(1 + len(c.market.quotes) + len(c.market.rates))
}

func (c *counting) Prices(ctx context.Context, symbols []string, currencies []Currency,
	asOf time.Time) (Prices, error) {
	if asOf.IsZero() {
		c.reads++
	}
	return c.Pricer.Prices(ctx, symbols, currencies, asOf)
}

// A new base currency applies at once, also to what is known of the previous day.
func TestChangedBaseCurrency(t *testing.T) {
	now := hours(t, "2026-03-05", 12)
	tracker, s, market := tracked(t, now, buy(t, "2026-03-01", "10", "5", "0"))
	market.quotes = []Quote{quote("ACME", "6", "EUR", now.Add(-20*time.Hour)), quote("ACME", "7", "EUR", now)}
	market.rates = []Rate{rate("EUR", "USD", "2", now.Add(-20*time.Hour)), rate("EUR", "USD", "2", now)}
	for _, test := range []struct {
		base Currency
		want int64
	}{{"EUR", 10}, {"USD", 20}} {
		s.change(func() { s.portfolio.Base = test.base; s.portfolio.Version++ })
		v, err := tracker.Valuation(t.Context(), "alice", "p", time.Time{})
		if err != nil || !v.DayChange.Decimal.Equal(decimal.NewFromInt(test.want)) {
			t.Errorf("day change in %s = %v, %v, want %d", test.base, v.DayChange, err, test.want)
		}
	}
}

func TestValuationJSONOfAnotherOwner(t *testing.T) {
	tracker, _, _ := tracked(t, hours(t, "2026-03-05", 12), buy(t, "2026-03-01", "10", "5", "0"))
	if _, err := tracker.ValuationJSON(t.Context(), "alice", "p"); err != nil {
		t.Fatal(err)
	}
	if _, err := tracker.ValuationJSON(t.Context(), "mallory", "p"); code(err) != CodeNotFound {
		t.Errorf("ValuationJSON() of another owner = %v, want %s", err, CodeNotFound)
	}
}

// Callers share the next call while one is in flight.
func TestBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		s := newBatches[int64]()
		call := func(ctx context.Context) (int64, error) {
			n := calls.Add(1)
			time.Sleep(time.Second)
			return n, ctx.Err()
		}
		results := make(chan int64, 10)
		ask := func() {
			n, err := s.do(t.Context(), "p", time.Minute, call)
			if err != nil {
				t.Error(err)
			}
			results <- n
		}
		go ask()
		synctest.Wait()
		for range 4 {
			go ask()
		}
		synctest.Wait()
		time.Sleep(1500 * time.Millisecond) // the second call is in flight
		go ask()
		time.Sleep(time.Minute)
		var got []int64
		for range 6 {
			got = append(got, <-results)
		}
		if want := []int64{1, 2, 2, 2, 2, 3}; !slices.Equal(got, want) || len(s.running) != 0 {
			t.Errorf("results = %v, want %v; %d keys are left", got, want, len(s.running))
		}
	})
}

// A caller that has gone does not end a call that others wait for, and a panic does not
// end the process.
func TestBatchesOutliveTheirCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newBatches[int]()
		ctx, cancel := context.WithCancel(t.Context())
		call := func(ctx context.Context) (int, error) {
			time.Sleep(time.Second)
			return 7, ctx.Err()
		}
		go func() {
			time.Sleep(time.Millisecond)
			cancel()
		}()
		if _, err := s.do(ctx, "p", time.Minute, call); !errors.Is(err, context.Canceled) {
			t.Errorf("do() = %v, want %v", err, context.Canceled)
		}
		if n, err := s.do(t.Context(), "p", time.Minute, call); n != 7 || err != nil {
			t.Errorf("do() after that = %d, %v", n, err)
		}
		if _, err := s.do(t.Context(), "p", time.Minute,
			func(context.Context) (int, error) { panic("broken") }); err == nil {
			t.Error("do() of a call that panics = nil, want an error")
		}
	})
}

// A history of the same days is read again from what was derived for the first one, until
// the portfolio changes.
func TestTimelineIsKept(t *testing.T) {
	tracker, s, _ := tracked(t, hours(t, "2026-03-05", 12), buy(t, "2026-03-01", "10", "5", "0"))
	invested := func() string {
		days, err := tracker.History(t.Context(), "alice", "p", day(t, "2026-03-01"), day(t, "2026-03-02"))
		if err != nil {
			t.Fatal(err)
		}
		return days[1].Invested.Decimal.String()
	}
	first := invested()
	b := tracker.books.peek("p")
	line := b.line
	if again := invested(); line == nil || b.line != line || again != first {
		t.Errorf("the second history was derived again: %s and %s", first, again)
	}
	s.change(func() { s.record(buy(t, "2026-03-02", "2", "5", "0")) })
	if changed := invested(); first != "50" || changed != "60" {
		t.Errorf("invested = %s and after a purchase %s, want 50 and 60", first, changed)
	}
}
