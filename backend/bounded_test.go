package backend

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// within fails the test if something takes much more processor time than work that grows with
// the number of entries.
func within(t *testing.T, limit time.Duration, what func()) {
	t.Helper()
	used := func() time.Duration {
		var use syscall.Rusage
		require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &use))
		return time.Duration(use.Utime.Nano() + use.Stime.Nano())
	}
	before := used()
	what()
	assert.LessOrEqual(t, used()-before, limit)
}

// Whatever the entries are, the time to derive them grows with their number.
func TestDerivingIsLinear(t *testing.T) {
	const n, many, corporate = 4_000, 20_000, 1_000
	first := NewDate(2000, 1, 1)
	number := decimal.NewFromInt
	trade := func(i int, kind Kind, quantity int64) Transaction {
		return Transaction{Kind: kind, Date: first + Date(i/20), Symbol: "ACME", Quantity: number(quantity),
			Price: number(100 + int64(i*7919%1000)), Currency: "EUR"}
	}
	returned := func(i int) Transaction {
		if i < many/2 || i%2 == 0 {
			return trade(i, Buy, 1)
		}
		return Transaction{Kind: ReturnOfCapital, Date: first + Date(i/20), Symbol: "ACME",
			Amount: number(1_000_000_000), Currency: "EUR"}
	}
	for _, c := range []struct {
		name   string
		method CostMethod
		count  int
		entry  func(i int) Transaction
	}{
		{"sales name one day", FIFO, n, func(i int) Transaction {
			if i < n/2 {
				return trade(0, Buy, 10)
			}
			tx := trade(i, Sell, 10)
			for range 10 {
				tx.Lots = append(tx.Lots, LotChoice{Date: first, Quantity: number(1)})
			}
			return tx
		}},
		{"all cost is returned", HIFO, many, returned},
		{"all cost is returned", Average, many, returned},
		{"many lots, few sold", HIFO, n, func(i int) Transaction {
			if i%20 == 19 {
				return trade(i, Sell, 1)
			}
			return trade(i, Buy, 2)
		}},
		{"sales of half a lot", LIFO, n, func(i int) Transaction {
			if i >= n/2 {
				return trade(i, Sell, 1)
			}
			return trade(i, Buy, 2)
		}},
		{"mergers back and forth", FIFO, corporate, func(i int) Transaction {
			if i < 50 {
				return trade(i, Buy, 1)
			}
			tx := Transaction{Kind: Merger, Date: first + Date(i), Symbol: "ACME", ToSymbol: "EMCA",
				Ratio: Ratio{New: 3, Old: 2}}
			if i%2 == 1 {
				tx.Symbol, tx.ToSymbol, tx.Ratio = "EMCA", "ACME", Ratio{New: 2, Old: 3}
			}
			return tx
		}},
		{"spin-offs", FIFO, corporate, func(i int) Transaction {
			if i < 50 {
				return trade(i, Buy, 1)
			}
			return Transaction{Kind: SpinOff, Date: first + Date(i), Symbol: "ACME", ToSymbol: fmt.Sprint("N", i%100),
				Ratio: Ratio{New: 1, Old: 7}, CostFraction: decimal.New(1, -6)}
		}},
		{"transfers", FIFO, n, func(i int) Transaction {
			if i%2 == 0 {
				return Transaction{Kind: TransferIn, Date: first + Date(i), Acquired: first + Date(i/3), Symbol: "ACME",
					Quantity: number(3), Amount: number(10), Currency: "EUR"}
			}
			return Transaction{Kind: TransferOut, Date: first + Date(i), Symbol: "ACME", Quantity: number(2)}
		}},
	} {
		t.Run(fmt.Sprint(c.name, " ", c.method), func(t *testing.T) {
			txs := make([]Transaction, c.count)
			for i := range txs {
				txs[i] = c.entry(i)
				txs[i].ID, txs[i].Sequence = fmt.Sprint(i), int64(i+1)
			}
			within(t, 3*time.Second, func() {
				_, err := Derive(t.Context(), Policy{Method: c.method}, txs, forever)
				require.NoError(t, err)
			})
		})
	}
}

// Spin-offs back and forth multiply the lots, but not beyond what the number of entries
// allows.
func TestSpinOffsBackAndForthAreBounded(t *testing.T) {
	var txs []Transaction
	first, unit := NewDate(2000, 1, 1), decimal.NewFromInt(1)
	for range 10 {
		txs = append(txs, Transaction{Kind: Buy, Date: first, Symbol: "A", Quantity: unit, Price: unit, Currency: "EUR"})
	}
	from, to := "A", "B"
	for i := range 20 {
		txs = append(txs, Transaction{Kind: SpinOff, Date: first + 1 + Date(i), Symbol: from, ToSymbol: to,
			Ratio: Ratio{New: 999_983, Old: 999_979}, CostFraction: decimal.New(333_333, -6)})
		from, to = to, from
	}
	for i := range txs {
		txs[i].ID, txs[i].Sequence = fmt.Sprint(i), int64(i+1)
	}
	within(t, time.Second, func() {
		_, err := Derive(t.Context(), Policy{Method: HIFO}, txs, forever)
		require.ErrorContains(t, err, "moved by corporate actions, want at most")
	})
}

// The price of a unit from before many splits.
func TestHistoryOfManySplitsIsLinear(t *testing.T) {
	const n = 4_000
	first, last := NewDate(2010, 1, 1), NewDate(2019, 12, 31)
	txs := []Transaction{buy(t, first.String(), "1", "100", "0")}
	for i := range n {
		tx := split(t, first.String(), Ratio{New: 3, Old: 2})
		if i%2 == 1 {
			tx.Ratio = Ratio{New: 2, Old: 3}
		}
		tx.Date += Date(1 + i*3_600/n)
		txs = append(txs, tx)
	}
	tracker, _, _ := tracked(t, last.Midnight(), numbered(txs...)...)
	within(t, 3*time.Second, func() {
		days, err := tracker.History(t.Context(), "alice", "p", first, last)
		require.NoError(t, err)
		known(t, "last", days[len(days)-1].Total, "0")
	})
}

// A price from before many splits of a symbol that was not held has no meaning.
func TestPriceBeforeSplitsWithoutUnits(t *testing.T) {
	for _, ratio := range []Ratio{{New: 1, Old: MaxSplitTerm}, {New: MaxSplitTerm, Old: 1}} {
		var txs []Transaction
		for i := range 200 {
			tx := split(t, "2026-01-02", ratio)
			tx.Date += Date(i / 10)
			txs = append(txs, tx)
		}
		now := hours(t, "2026-02-05", 12)
		tracker, _, market := tracked(t, now, numbered(append(txs, buy(t, "2026-02-05", "10", "100", "0"))...)...)
		market.quotes = []Quote{quote("ACME", "104", "EUR", hours(t, "2026-01-01", 20))}
		v, err := tracker.Valuation(t.Context(), "alice", "p", time.Time{})
		require.NoError(t, err)
		assert.True(t, v.Total.Valid)
		_, err = tracker.History(t.Context(), "alice", "p", day(t, "2026-01-01"), day(t, "2026-02-05"))
		require.NoError(t, err)
	}
}

// A withdrawal each day and, at the end, interest that pays for all of them: no rate
// exists, and there was never any capital.
func TestReturnWithoutCapitalIsLinear(t *testing.T) {
	const days = 3_650
	first := NewDate(2010, 1, 1)
	var txs []Transaction
	for i := range days {
		tx := money(t, Withdrawal, first.String(), "10", "0")
		tx.Date += Date(i)
		txs = append(txs, tx)
	}
	last := first + days
	txs = append(txs, money(t, Interest, last.String(), fmt.Sprint(10*days), "0"))
	tracker, _, _ := tracked(t, last.Midnight(), numbered(txs...)...)
	within(t, time.Second, func() {
		p, err := tracker.Performance(t.Context(), "alice", "p", first, last)
		require.NoError(t, err)
		assert.Equal(t, NoCapital, p.MoneyWeighted.Why)
	})
}

// Cash in every currency, of which none has a rate.
func TestHistoryOfAllCurrenciesIsLinear(t *testing.T) {
	first := NewDate(2010, 1, 1)
	var txs []Transaction
	for c := range currencies {
		tx := money(t, Deposit, first.String(), "10", "0")
		tx.Currency = c
		txs = append(txs, tx)
	}
	last := first + MaxDays - 1
	tracker, _, _ := tracked(t, last.Midnight(), numbered(txs...)...)
	within(t, 2*time.Second, func() {
		days, err := tracker.History(t.Context(), "alice", "p", first, last)
		require.NoError(t, err)
		assert.Equal(t, StateNoRate, days[0].State)
	})
}

// The returns of many holdings, of which each has few entries.
func TestPartsOfManyHoldingsAreLinear(t *testing.T) {
	const symbols, days = 900, 2_000
	first := NewDate(2010, 1, 1)
	var txs []Transaction
	for i := range 4_000 {
		tx := buy(t, first.String(), "1", "100", "0")
		tx.Date, tx.Symbol = tx.Date+Date(i*days/4_000), fmt.Sprint("S", i%symbols)
		txs = append(txs, tx)
	}
	last := first + days
	tracker, _, _ := tracked(t, last.Midnight(), numbered(txs...)...)
	within(t, 2*time.Second, func() {
		_, parts, err := tracker.Parts(t.Context(), "alice", "p", first-1, last, false)
		require.NoError(t, err)
		assert.Len(t, parts, symbols)
	})
}

// What a valuation does for the entries of today does not grow with their number.
func TestEffectsOfADayAreSummed(t *testing.T) {
	var txs []Transaction
	for range 1_000 {
		txs = append(txs, buy(t, "2026-03-05", "2", "10", "0"))
	}
	l := derive(t, fifo, numbered(txs...))
	require.Len(t, l.today.effects, 1)
	equal(t, "cash", l.today.effects[dayEffect{symbol: "ACME", currency: "EUR"}], "-20000")
}
