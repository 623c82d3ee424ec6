package backend

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"
)

// component sums up what explains a total in one currency: what was realised, is
// unrealised and was earned, less fees and taxes.
type component struct{ total, explained decimal.Decimal }

// What a portfolio gains in another currency than those of its entries is, day by day,
// what was realised, gained on paper and earned in each currency, less fees and taxes,
// at the day's rate; what the change of the rate did to what was there; and what
// conversions gained or lost against that rate. This holds for histories of all kinds,
// in every method and with named lots, and the parts by currency and by holding add up.
func TestGainsExplainTheTotalInTheBase(t *testing.T) {
	const days = 25
	dietz := 0
	for seed := range int64(60) {
		policy := everyPolicy[int(seed)%len(everyPolicy)]
		r := rand.New(rand.NewSource(1000 + seed))
		txs := anyHistory(t, r, policy, days)
		if len(txs) == 0 {
			continue
		}
		first := day(t, "2026-01-01")
		last := first + days
		now := Close(last)
		store := &shelf{portfolio: Portfolio{ID: "p", Owner: "alice", Base: "CHF", Policy: policy, Version: 1}, txs: txs}
		b := anyPrices(r, first-1, last)
		tracker := NewTracker(store, b, MarketPricer{b}, func() time.Time { return now })
		rateOn := func(c Currency, d Date) decimal.Decimal {
			prices, err := b.Closing(t.Context(), nil, []Currency{c, "CHF"}, d)
			if err != nil {
				t.Fatal(err)
			}
			return prices[d].Rates[Pair{From: c, To: "CHF"}].Rate
		}
		want := expectedGain(t, policy, txs, b, first, last, rateOn)
		whole, parts, err := tracker.Parts(t.Context(), "alice", "p", first-1, last, true)
		if err != nil {
			t.Fatal(err)
		}
		about := fmt.Sprintf("seed %d, %s", seed, policy.Method)
		agrees(t, about+": gain", whole.Gain, want)
		gains, contributions := added(parts)
		agrees(t, about+": gains by currency", whole.Gain, gains)
		if m := whole.MoneyWeighted; m.Method == MethodModifiedDietz && m.Value.Valid && parts[0].Contribution.Valid {
			agrees(t, about+": contributions by currency", m.Value, contributions)
			dietz++
		}

		// Without cash, nothing is outside the holdings.
		store.portfolio.IgnoreCash, store.portfolio.Version = true, 2
		store.txs = slices.DeleteFunc(slices.Clone(txs), func(tx Transaction) bool { return tx.Symbol == "" })
		tracker = NewTracker(store, b, MarketPricer{b}, func() time.Time { return now })
		whole, parts, err = tracker.Parts(t.Context(), "alice", "p", first-1, last, false)
		if err != nil {
			t.Fatal(err)
		}
		gains, _ = added(parts)
		agrees(t, about+": gains by holding", whole.Gain, gains)
		if t.Failed() {
			t.Fatalf("%s: %+v", about, txs)
		}
	}
	if dietz == 0 {
		t.Error("no Modified Dietz return to compare contributions with")
	}
}

// anyPrices returns the prices and rates of the days that entries of anyHistory need.
func anyPrices(r *rand.Rand, first, last Date) *board {
	b := &board{}
	for d := first; d <= last; d++ {
		at := Close(d).Add(-time.Hour)
		for _, s := range []string{"AAA", "BBB", "CCC", "DDD"} {
			c := Currency("EUR")
			if s > "BBB" {
				c = "USD"
			}
			b.quotes = append(b.quotes, quote(s, decimal.New(r.Int63n(10_000)+1, -2).String(), c, at))
		}
		for _, c := range []Currency{"EUR", "USD"} {
			for _, to := range []Currency{"CHF", "EUR", "USD"} {
				if c != to {
					b.rates = append(b.rates, Rate{Pair: Pair{From: c, To: to},
						Rate: decimal.New(r.Int63n(100)+50, -2), Time: at, Received: at})
				}
			}
		}
	}
	return b
}

// added adds up the parts of a portfolio.
func added(parts []Part) (gains, contributions decimal.Decimal) {
	for _, p := range parts {
		gains, contributions = gains.Add(p.Gain.Decimal), contributions.Add(p.Contribution.Decimal)
	}
	return gains, contributions
}

// expectedGain adds up the gain in CHF from what ledgers say at the close of each day.
func expectedGain(t *testing.T, policy Policy, txs []Transaction, b *board, first, last Date,
	rateOn func(Currency, Date) decimal.Decimal) decimal.Decimal {
	t.Helper()
	gain := decimal.Zero
	before := map[Currency]component{}
	ordered := slices.SortedFunc(slices.Values(txs), Transaction.Compare)
	for d := first; d <= last; d++ {
		l, err := Derive(t.Context(), policy, txs, d)
		if err != nil {
			t.Fatal(err)
		}
		prices, err := b.Closing(t.Context(), []string{"AAA", "BBB", "CCC", "DDD"}, []Currency{"EUR", "USD"}, d)
		if err != nil {
			t.Fatal(err)
		}
		v := Value(l, "EUR", Close(d), prices[d])
		for _, c := range []Currency{"EUR", "USD"} {
			now := component{total: l.Cash[c], explained: l.Income[c].Sub(l.Fees[c]).Sub(l.Taxes[c])}
			for _, h := range l.Holdings {
				if h.Currency == c {
					now.explained = now.explained.Add(h.Realised)
				}
			}
			for _, p := range v.Positions {
				if p.Currency == c {
					now.total, now.explained = now.total.Add(p.Value.Decimal), now.explained.Add(p.Unrealised.Decimal)
				}
			}
			gain = gain.Add(now.explained.Sub(before[c].explained).Mul(rateOn(c, d)))
			gain = gain.Add(before[c].total.Mul(rateOn(c, d).Sub(rateOn(c, d-1))))
			before[c] = now
		}
		gain = gain.Add(exchanged(t, policy, ordered, d, prices[d], rateOn))
	}
	return gain
}

// exchanged returns what conversions of a day gained at its rates, and what units that
// were transferred were worth beyond their cost, which is no gain of the portfolio.
func exchanged(t *testing.T, policy Policy, ordered []Transaction, on Date, prices Prices,
	rateOn func(Currency, Date) decimal.Decimal) decimal.Decimal {
	t.Helper()
	gain := decimal.Zero
	d := newDerivation(policy)
	cost := map[string]decimal.Decimal{}
	d.observe = func(e effect) {
		if e.Date != on {
			return
		}
		switch {
		case e.Kind == Conversion && !e.fee:
			gain = gain.Add(e.cash.Mul(rateOn(e.currency, on)))
		case (e.Kind == TransferIn || e.Kind == TransferOut) && !e.fee && !e.units.IsZero():
			h := d.holdings[e.symbol]
			moved := h.costs().Sub(cost[e.symbol])
			worth := e.units.Mul(prices.Quotes[e.priced].Price)
			gain = gain.Add(moved.Sub(worth).Mul(rateOn(h.currency, on)))
		}
	}
	for _, tx := range ordered {
		if tx.Date > on {
			break
		}
		if h := d.holdings[tx.Symbol]; h != nil {
			cost[tx.Symbol] = h.costs()
		}
		if err := d.book(t.Context(), []*Transaction{&tx}, forever); err != nil {
			t.Fatal(err)
		}
	}
	return gain
}

// agrees compares with what a test has computed in another order.
func agrees(t *testing.T, what string, got decimal.NullDecimal, want decimal.Decimal) {
	t.Helper()
	if !got.Valid || got.Decimal.Sub(want).Abs().GreaterThan(decimal.New(1, -9)) {
		t.Errorf("%s = %v, want %s", what, got, want)
	}
}
