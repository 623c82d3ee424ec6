package push

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"portfolio/backend"
)

// Latest is the newest valuation of a portfolio. It holds for each part the number of the
// step that changed it last, so that one delta leads to it from any earlier step, however
// many there were. What it points to is never changed.
type Latest struct {
	*backend.Valuation       // nil until the first one
	Sequence           int64 // of the valuation

	first     int64   // from here on, all changes are known
	positions []int64 // by index of the valuation's
	quotes    []int64
	rates     []int64
	removed   []removal // closed positions, in the order of their steps
	anyRate   int64     // the last step that changed, added or removed a rate
	balances  int64
}

// removal is a step that closed a position.
type removal struct {
	symbol string
	number int64
}

// maxRemoved bounds the memory of closed positions. A client that does not know of an
// earlier one receives a snapshot.
const maxRemoved = 64

// Start makes v the newest valuation, of which nothing before is known.
func (l *Latest) Start(v *backend.Valuation, sequence int64) {
	*l = Latest{
		Valuation: v, Sequence: sequence, first: sequence, anyRate: sequence, balances: sequence,
		positions: slices.Repeat([]int64{sequence}, len(v.Positions)),
		quotes:    slices.Repeat([]int64{sequence}, len(v.Quotes)),
		rates:     slices.Repeat([]int64{sequence}, len(v.Rates)),
	}
}

// Advance makes v the newest valuation, in the same base currency as the one before. It
// reports whether anything but the time changed, and if so adds one to the number.
func (l *Latest) Advance(v *backend.Valuation) (changed bool) {
	old, next := l.Valuation, l.Sequence+1
	var positions, quotes, rates bool
	l.positions, positions = carry(old.Positions, l.positions, v.Positions, next, bySymbol, samePosition,
		func(p *backend.Position) { l.removed = append(l.removed, removal{p.Symbol, next}) })
	l.quotes, quotes = carry(old.Quotes, l.quotes, v.Quotes, next, byQuotedSymbol, sameQuote, nil)
	l.rates, rates = carry(old.Rates, l.rates, v.Rates, next, byPair, sameRate, nil)
	if rates {
		l.anyRate = next
	}
	balances := !slices.EqualFunc(old.Balances, v.Balances, sameBalance)
	if balances {
		l.balances = next
	}
	changed = positions || quotes || rates || balances || v.State != old.State || !same(v.Total, old.Total) ||
		!same(v.Invested, old.Invested) || !same(v.Cash, old.Cash) || !sameGains(v.Gains, old.Gains)
	l.Valuation = v
	if changed {
		l.Sequence = next
	}
	if len(l.removed) > 0 {
		l.forgetRemoved()
	}
	return changed
}

// forgetRemoved forgets positions that are open again, and the oldest of too many.
func (l *Latest) forgetRemoved() {
	l.removed = slices.DeleteFunc(l.removed, func(r removal) bool {
		_, open := slices.BinarySearchFunc(l.Positions, r.symbol,
			func(p backend.Position, symbol string) int { return strings.Compare(p.Symbol, symbol) })
		return open
	})
	if more := len(l.removed) - maxRemoved; more > 0 {
		l.first = l.removed[more-1].number
		l.removed = slices.Delete(l.removed, 0, more)
	}
}

// Knows reports whether a client that has everything up to a number can continue from
// there.
func (l *Latest) Knows(after int64) bool { return l.first <= after && after <= l.Sequence }

// Since returns what changed after a number that it knows, and when the oldest new price
// in that was received, the zero time if there is none.
func (l *Latest) Since(after int64) (d Delta, received time.Time) {
	d = Delta{
		AsOf: l.AsOf, State: l.State, Total: l.Total, Invested: l.Invested, Cash: l.Cash, Gains: l.Gains,
		Positions: []backend.Position{}, Removed: []string{}, Quotes: []backend.UsedQuote{},
	}
	oldest := func(t time.Time) {
		if received.IsZero() || t.Before(received) {
			received = t
		}
	}
	for i, number := range l.positions {
		if number > after {
			d.Positions = append(d.Positions, l.Positions[i])
		}
	}
	for _, r := range l.removed {
		if r.number > after {
			d.Removed = append(d.Removed, r.symbol)
		}
	}
	slices.Sort(d.Removed)
	for i, number := range l.quotes {
		if number > after {
			d.Quotes = append(d.Quotes, l.Quotes[i])
			oldest(l.Quotes[i].Received)
		}
	}
	if l.balances > after {
		d.Balances = l.Balances
	}
	if l.anyRate > after {
		d.Rates = l.Rates
	}
	for i, number := range l.rates {
		if number > after {
			oldest(l.Rates[i].Received)
		}
	}
	return d, received
}

// carry returns the numbers of a list's items, those from before for the items that are the
// same and number for the others, and whether any item is new, changed or gone. It calls
// gone, unless nil, with the items that are. Both lists are sorted.
func carry[T any](before []T, numbers []int64, list []T, number int64,
	compare func(a, b *T) int, same func(a, b *T) bool, gone func(*T)) (carried []int64, changed bool) {
	carried = make([]int64, len(list))
	i := 0
	skip := func() {
		changed = true
		if gone != nil {
			gone(&before[i])
		}
		i++
	}
	for j := range list {
		for i < len(before) && compare(&before[i], &list[j]) < 0 {
			skip()
		}
		carried[j] = number
		if i < len(before) && compare(&before[i], &list[j]) == 0 {
			if same(&before[i], &list[j]) {
				carried[j] = numbers[i]
			}
			i++
		}
		changed = changed || carried[j] == number
	}
	for i < len(before) {
		skip()
	}
	return carried, changed
}

func bySymbol(a, b *backend.Position) int        { return strings.Compare(a.Symbol, b.Symbol) }
func byQuotedSymbol(a, b *backend.UsedQuote) int { return strings.Compare(a.Symbol, b.Symbol) }
func byPair(a, b *backend.UsedRate) int {
	return cmp.Or(strings.Compare(string(a.From), string(b.From)), strings.Compare(string(a.To), string(b.To)))
}
