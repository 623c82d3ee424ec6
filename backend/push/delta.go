package push

import (
	"cmp"
	"slices"
	"time"

	"portfolio/backend"

	"github.com/shopspring/decimal"
)

// Delta is what changed from one valuation to a later one. It holds values, not
// differences: applied to any valuation between the two, it results in the later one.
// The ages of prices that did not change are not in it: they follow from AsOf.
type Delta struct {
	AsOf     time.Time           `json:"as_of"`
	State    backend.State       `json:"state"`
	Total    decimal.NullDecimal `json:"total"`
	Invested decimal.NullDecimal `json:"invested"`
	Cash     decimal.NullDecimal `json:"cash"`
	backend.Gains
	Positions []backend.Position     `json:"positions"`      // that changed or are new
	Removed   []string               `json:"removed"`        // symbols of closed positions
	Balances  []backend.CashPosition `json:"cash_positions"` // all there are; null where none changed
	Quotes    []backend.UsedQuote    `json:"quotes"`         // that were not used before
	Rates     []backend.UsedRate     `json:"rates"`          // all there are; null where none changed
}

// Diff returns what changed from old to v, and whether anything but the time did.
// Both are in the same base currency.
func Diff(old, v *backend.Valuation) (d Delta, changed bool) {
	d = Delta{
		AsOf: v.AsOf, State: v.State, Total: v.Total, Invested: v.Invested, Cash: v.Cash, Gains: v.Gains,
		Positions: []backend.Position{}, Removed: []string{}, Quotes: []backend.UsedQuote{},
	}
	before := byKey(old.Positions, positionKey)
	for _, p := range v.Positions {
		if was, known := before[p.Symbol]; !known || !samePosition(was, p) {
			d.Positions = append(d.Positions, p)
		}
		delete(before, p.Symbol)
	}
	for symbol := range before {
		d.Removed = append(d.Removed, symbol)
	}
	slices.Sort(d.Removed)
	quotes := byKey(old.Quotes, quoteKey)
	for _, q := range v.Quotes {
		if was, known := quotes[q.Symbol]; !known || !sameQuote(was.Quote, q.Quote) {
			d.Quotes = append(d.Quotes, q)
		}
	}
	if !slices.EqualFunc(old.Balances, v.Balances, sameBalance) {
		d.Balances = v.Balances
	}
	if !slices.EqualFunc(old.Rates, v.Rates, func(a, b backend.UsedRate) bool { return sameRate(a.Rate, b.Rate) }) {
		d.Rates = v.Rates
	}
	changed = len(d.Positions)+len(d.Removed)+len(d.Quotes) > 0 || d.Balances != nil || d.Rates != nil ||
		d.State != old.State || !same(d.Total, old.Total) || !same(d.Invested, old.Invested) ||
		!same(d.Cash, old.Cash) || !sameGains(d.Gains, old.Gains)
	return d, changed
}

// Then returns one delta for d and the one that follows it.
func (d Delta) Then(next Delta) Delta {
	changed := byKey(next.Positions, positionKey)
	positions := slices.Clone(next.Positions)
	for _, p := range d.Positions {
		if _, again := changed[p.Symbol]; !again && !slices.Contains(next.Removed, p.Symbol) {
			positions = append(positions, p)
		}
	}
	removed := slices.Clone(next.Removed)
	for _, symbol := range d.Removed {
		if _, again := changed[symbol]; !again && !slices.Contains(removed, symbol) {
			removed = append(removed, symbol)
		}
	}
	used := byKey(next.Quotes, quoteKey)
	quotes := slices.Clone(next.Quotes)
	for _, q := range d.Quotes {
		if _, again := used[q.Symbol]; !again && !slices.Contains(next.Removed, q.Symbol) {
			quotes = append(quotes, aged(q, next.AsOf))
		}
	}
	next.Positions, next.Removed = sorted(positions, positionKey), sorted(removed, symbolKey)
	next.Quotes = sorted(quotes, quoteKey)
	if next.Balances == nil {
		next.Balances = d.Balances
	}
	if next.Rates == nil {
		next.Rates = agedRates(d.Rates, next.AsOf)
	}
	return next
}

// Apply returns the valuation after d, from the one before it, as clients do.
func (d Delta) Apply(v backend.Valuation) backend.Valuation {
	positions := byKey(v.Positions, positionKey)
	quotes := byKey(v.Quotes, quoteKey)
	for _, symbol := range d.Removed {
		delete(positions, symbol)
	}
	for _, p := range d.Positions {
		positions[p.Symbol] = p
	}
	for _, q := range d.Quotes {
		quotes[q.Symbol] = q
	}
	v.AsOf, v.State, v.Total, v.Invested, v.Cash, v.Gains = d.AsOf, d.State, d.Total, d.Invested, d.Cash, d.Gains
	v.Positions, v.Quotes = []backend.Position{}, []backend.UsedQuote{}
	for symbol, p := range positions {
		v.Positions = append(v.Positions, p)
		if q, known := quotes[symbol]; known && p.State != backend.StateNoPrice && p.State != backend.StateEstimated {
			v.Quotes = append(v.Quotes, aged(q, d.AsOf))
		}
	}
	v.Positions, v.Quotes = sorted(v.Positions, positionKey), sorted(v.Quotes, quoteKey)
	if d.Balances != nil {
		v.Balances = d.Balances
	}
	if d.Rates != nil {
		v.Rates = d.Rates
	}
	v.Rates = agedRates(v.Rates, d.AsOf)
	return v
}

func aged(q backend.UsedQuote, asOf time.Time) backend.UsedQuote {
	return backend.UsedQuote{Quote: q.Quote, AgeMS: q.Age(asOf).Milliseconds(), Stale: q.Quote.Stale(asOf)}
}

// agedRates keeps nil, which means unchanged.
func agedRates(rates []backend.UsedRate, asOf time.Time) []backend.UsedRate {
	if rates == nil {
		return nil
	}
	out := make([]backend.UsedRate, len(rates))
	for i, r := range rates {
		out[i] = backend.UsedRate{Rate: r.Rate, AgeMS: r.Age(asOf).Milliseconds(), Stale: r.Rate.Stale(asOf)}
	}
	return out
}

func positionKey(p backend.Position) string { return p.Symbol }
func quoteKey(q backend.UsedQuote) string   { return q.Symbol }
func symbolKey(symbol string) string        { return symbol }

func byKey[T any](list []T, key func(T) string) map[string]T {
	m := make(map[string]T, len(list))
	for _, item := range list {
		m[key(item)] = item
	}
	return m
}

func sorted[T any](list []T, key func(T) string) []T {
	if list == nil {
		return []T{}
	}
	slices.SortFunc(list, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
	return list
}

func same(a, b decimal.NullDecimal) bool {
	return a.Valid == b.Valid && (!a.Valid || a.Decimal.Equal(b.Decimal))
}

func samePosition(a, b backend.Position) bool {
	return a.Symbol == b.Symbol && a.Currency == b.Currency && a.State == b.State &&
		a.Quantity.Equal(b.Quantity) && a.Cost.Equal(b.Cost) &&
		same(a.Value, b.Value) && same(a.Unrealised, b.Unrealised) && same(a.BaseValue, b.BaseValue) &&
		sameGains(a.Gains, b.Gains)
}

func sameGains(a, b backend.Gains) bool {
	return same(a.BaseCost, b.BaseCost) && same(a.BaseUnrealised, b.BaseUnrealised) &&
		same(a.PriceEffect, b.PriceEffect) && same(a.CurrencyEffect, b.CurrencyEffect) && same(a.DayChange, b.DayChange)
}

func sameBalance(a, b backend.CashPosition) bool {
	return a.Currency == b.Currency && a.State == b.State && a.Amount.Equal(b.Amount) && same(a.BaseValue, b.BaseValue)
}

func sameQuote(a, b backend.Quote) bool {
	return a.Symbol == b.Symbol && a.Price.Equal(b.Price) && a.Currency == b.Currency &&
		a.Source == b.Source && a.Time.Equal(b.Time) && a.Received.Equal(b.Received)
}

func sameRate(a, b backend.Rate) bool {
	return a.Pair == b.Pair && a.Rate.Equal(b.Rate) && a.Source == b.Source &&
		a.Time.Equal(b.Time) && a.Received.Equal(b.Received)
}
