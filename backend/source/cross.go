package source

import (
	"slices"
	"time"

	"portfolio/backend"

	"github.com/shopspring/decimal"
)

// rateScale is to how many decimals a computed rate is rounded.
const rateScale = 18

// Conversion is what one currency is worth in another, and the published rates
// that this was computed from: one for a rate and its inverse, two for a cross.
type Conversion struct {
	backend.Pair
	Rate decimal.Decimal
	Legs []backend.Rate
}

// Convert computes the rate of a pair from rates of which each may be in either
// direction. It prefers the pair itself, then its inverse, then a cross through
// one other currency; of equals the newest, whose age is that of its older leg.
func Convert(rates []backend.Rate, pair backend.Pair) (Conversion, bool) {
	newest := map[backend.Pair]backend.Rate{}
	for _, r := range rates {
		if known, found := newest[r.Pair]; r.Rate.IsPositive() && (!found || r.Time.After(known.Time)) {
			newest[r.Pair] = r
		}
	}
	if c, found := direct(newest, pair); found {
		return c, true
	}
	var best Conversion
	for _, base := range currenciesOf(newest) {
		one, found := direct(newest, backend.Pair{From: pair.From, To: base})
		if !found {
			continue
		}
		two, found := direct(newest, backend.Pair{From: base, To: pair.To})
		if !found {
			continue
		}
		c := Conversion{Pair: pair, Legs: []backend.Rate{one.Legs[0], two.Legs[0]}}
		c.Rate = quotient(one, two, pair)
		if best.Legs == nil || oldest(best.Legs).Before(oldest(c.Legs)) {
			best = c
		}
	}
	return best, best.Legs != nil
}

// quotient multiplies two legs, each as published, and divides once at most, so
// that only one rounding is in the result.
func quotient(one, two Conversion, pair backend.Pair) decimal.Decimal {
	above, below := decimal.NewFromInt(1), decimal.NewFromInt(1)
	for _, leg := range []struct {
		published backend.Rate
		from      backend.Currency
	}{{one.Legs[0], pair.From}, {two.Legs[0], one.To}} {
		if leg.published.From == leg.from {
			above = above.Mul(leg.published.Rate)
		} else {
			below = below.Mul(leg.published.Rate)
		}
	}
	return above.DivRound(below, rateScale)
}

// direct is the newer of a rate and of the inverse of the other direction.
func direct(newest map[backend.Pair]backend.Rate, pair backend.Pair) (Conversion, bool) {
	there, hasThere := newest[pair]
	back, hasBack := newest[backend.Pair{From: pair.To, To: pair.From}]
	switch {
	case hasThere && (!hasBack || !back.Time.After(there.Time)):
		return Conversion{Pair: pair, Rate: there.Rate, Legs: []backend.Rate{there}}, true
	case hasBack:
		return Conversion{Pair: pair, Rate: decimal.NewFromInt(1).DivRound(back.Rate, rateScale), Legs: []backend.Rate{back}}, true
	}
	return Conversion{}, false
}

// currenciesOf returns the currencies of all pairs, in the order of their codes.
func currenciesOf(rates map[backend.Pair]backend.Rate) []backend.Currency {
	var list []backend.Currency
	for pair := range rates {
		list = append(list, pair.From, pair.To)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// oldest is the time of the older leg.
func oldest(legs []backend.Rate) time.Time {
	at := legs[0].Time
	for _, l := range legs[1:] {
		if l.Time.Before(at) {
			at = l.Time
		}
	}
	return at
}
