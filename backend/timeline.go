package backend

import (
	"context"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// timeline is what a portfolio held on each day, derived once.
type timeline struct {
	portfolio Portfolio
	zone      *time.Location
	holdings  map[string]*track
	cash      map[Currency][]amountAt
	effects   []effect
	first     Date // of the first entry; 0 for none
}

// track is the units of one symbol over time.
type track struct {
	symbol     string
	currency   Currency
	quantities []amountAt
	trades     []trade
	splits     []unitChange
}

// amountAt is the amount from the close of a day on.
type amountAt struct {
	from   Date
	amount decimal.Decimal
}

// newTimeline derives entries, which are in order, through a day.
func newTimeline(ctx context.Context, p Portfolio, txs []*Transaction, through Date) (*timeline, error) {
	t := &timeline{portfolio: p, zone: p.Location(), holdings: map[string]*track{}, cash: map[Currency][]amountAt{}}
	if !p.Method.Valid() {
		_, err := derived(ctx, p.Policy, nil, through)
		return nil, err
	}
	d := newDerivation(p.Policy)
	d.observe = func(e effect) { t.effects = append(t.effects, e) }
	for len(txs) > 0 && txs[0].Date <= through {
		day := txs[0].Date
		if t.first == 0 {
			t.first = day
		}
		n := 1
		for n < len(txs) && txs[n].Date == day {
			n++
		}
		if err := d.book(ctx, txs[:n], day); err != nil {
			return nil, err
		}
		t.note(d, txs[:n], day)
		txs = txs[n:]
	}
	for symbol, k := range t.holdings {
		h := d.holdings[symbol]
		k.currency, k.splits = h.currency, h.splits
	}
	return t, nil
}

// note records what the entries of a day changed.
func (t *timeline) note(d *derivation, txs []*Transaction, day Date) {
	for _, tx := range txs {
		for _, symbol := range []string{tx.Symbol, tx.ToSymbol} {
			h := d.holdings[symbol]
			if h == nil {
				continue
			}
			k := t.holdings[symbol]
			if k == nil {
				k = &track{symbol: symbol}
				t.holdings[symbol] = k
			}
			k.quantities = changed(k.quantities, day, h.quantity())
			if h.lastTrade.date == day {
				if n := len(k.trades); n > 0 && k.trades[n-1].date == day {
					k.trades = k.trades[:n-1]
				}
				k.trades = append(k.trades, h.lastTrade)
			}
		}
		for _, c := range []Currency{tx.Currency, tx.FeeCurrency, tx.ToCurrency} {
			if amount, moved := d.cash[c]; moved {
				t.cash[c] = changed(t.cash[c], day, amount)
			}
		}
	}
}

func changed(list []amountAt, day Date, amount decimal.Decimal) []amountAt {
	n := len(list)
	switch {
	case n > 0 && list[n-1].from == day:
		list[n-1].amount = amount
	case n == 0 || !list[n-1].amount.Equal(amount):
		list = append(list, amountAt{day, amount})
	}
	return list
}

// external returns the cash or units that an effect moved into the portfolio.
func (t *timeline) external(e effect) (cash, units decimal.Decimal) {
	switch {
	case e.moved:
		return decimal.Zero, decimal.Zero
	case !t.portfolio.IgnoreCash:
		if !e.external {
			return decimal.Zero, decimal.Zero
		}
		return e.cash, e.units
	case e.external:
		return decimal.Zero, e.units // a deposit that does not change anything else
	}
	return e.cash.Neg(), decimal.Zero
}

// flowDays returns the days after from and up to to with flows that are measured, in
// order.
func (t *timeline) flowDays(from, to Date, parts bool) []Date {
	var days []Date
	for _, e := range t.effects {
		if e.Date <= from || e.Date > to {
			continue
		}
		if cash, units := t.external(e); parts || !cash.IsZero() || !units.IsZero() {
			days = append(days, e.Date)
		}
	}
	slices.Sort(days)
	return slices.Compact(days)
}

// measured returns the days whose closes a measurement needs: the ends of the
// period, each day with a flow and the one before.
func measured(from, to Date, flows []Date) []Date {
	days := []Date{from, to}
	for _, d := range flows {
		days = append(days, d-1, d)
	}
	slices.Sort(days)
	return slices.Compact(days)
}

// symbols returns the symbols that were held or moved, sorted.
func (t *timeline) symbols() []string {
	var list []string
	for symbol := range t.holdings {
		list = append(list, symbol)
	}
	slices.Sort(list)
	return list
}

// currencies returns the base currency and those with entries.
func (t *timeline) currencies(base Currency) []Currency {
	list := []Currency{base}
	add := func(c Currency) {
		if c != "" && !slices.Contains(list, c) {
			list = append(list, c)
		}
	}
	for _, k := range t.holdings {
		add(k.currency)
	}
	for c := range t.cash {
		add(c)
	}
	for _, e := range t.effects {
		add(e.currency)
	}
	return list
}
