package backend

import (
	"context"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// RateBase is the currency from which sources publish rates: a rate between two others
// is computed from theirs.
const RateBase Currency = "EUR"

// rateScale is the number of decimals to which computed rates are rounded.
const rateScale = 18

// Converted is a rate between two currencies with the published rates that it was
// computed from: one for a rate or its inverse, two for a cross.
type Converted struct {
	Pair
	Rate decimal.Decimal
	Legs []Rate
}

// oldest is the time of the older leg.
func (c Converted) oldest() time.Time {
	return slices.MinFunc(c.Legs, func(a, b Rate) int { return a.Time.Compare(b.Time) }).Time
}

// converter computes rates from published ones, of which each may be in either
// direction.
type converter struct {
	published func(Pair) (Rate, bool)
	stale     func(Rate) bool
	through   []Currency // that a cross may go through
}

// convert computes the rate of a pair: the published one or its inverse, or a cross if
// there is neither or only a stale one. Of crosses that are equally fresh, it is the
// newest; the age of a cross is that of its older leg.
func (c converter) convert(pair Pair) (Converted, bool) {
	best, found := c.direct(pair)
	if found && c.fresh(best) {
		return best, true
	}
	for _, base := range c.through {
		if base == pair.From || base == pair.To {
			continue
		}
		one, found := c.direct(Pair{From: pair.From, To: base})
		if !found {
			continue
		}
		two, found := c.direct(Pair{From: base, To: pair.To})
		if !found {
			continue
		}
		cross := Converted{Pair: pair, Rate: crossRate(one, two), Legs: []Rate{one.Legs[0], two.Legs[0]}}
		if c.better(cross, best) {
			best = cross
		}
	}
	return best, best.Legs != nil
}

// better reports whether to use a cross rather than the rate found before.
func (c converter) better(cross, best Converted) bool {
	switch {
	case best.Legs == nil:
		return true
	case c.fresh(cross) != c.fresh(best):
		return c.fresh(cross)
	}
	return len(best.Legs) > 1 && best.oldest().Before(cross.oldest())
}

func (c converter) fresh(x Converted) bool { return !slices.ContainsFunc(x.Legs, c.stale) }

// direct returns a published rate, or the inverse of the other direction if there is
// none or if it is stale and older.
func (c converter) direct(pair Pair) (Converted, bool) {
	there, hasThere := c.published(pair)
	if hasThere && !c.stale(there) {
		return Converted{Pair: pair, Rate: there.Rate, Legs: []Rate{there}}, true
	}
	back, hasBack := c.published(Pair{From: pair.To, To: pair.From})
	switch {
	case hasBack && (!hasThere || back.Time.After(there.Time)):
		return Converted{Pair: pair, Rate: decimal.NewFromInt(1).DivRound(back.Rate, rateScale),
			Legs: []Rate{back}}, true
	case hasThere:
		return Converted{Pair: pair, Rate: there.Rate, Legs: []Rate{there}}, true
	}
	return Converted{}, false
}

// crossRate multiplies two legs as published and divides at most once, so that the
// result is rounded only once.
func crossRate(one, two Converted) decimal.Decimal {
	above, below := decimal.NewFromInt(1), decimal.NewFromInt(1)
	for _, leg := range []Converted{one, two} {
		if leg.Legs[0].From == leg.From {
			above = above.Mul(leg.Legs[0].Rate)
		} else {
			below = below.Mul(leg.Legs[0].Rate)
		}
	}
	return above.DivRound(below, rateScale)
}

// currenciesOf returns the currencies of all pairs, in the order of their codes.
func currenciesOf(rates map[Pair]Rate) []Currency {
	var list []Currency
	for pair := range rates {
		list = append(list, pair.From, pair.To)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// withRateBase adds RateBase to currencies that are to be converted into each other.
// It does not change its argument.
func withRateBase(currencies []Currency) []Currency {
	if len(currencies) < 2 || slices.Contains(currencies, RateBase) {
		return slices.Clip(currencies)
	}
	return append(slices.Clip(currencies), RateBase)
}

// withBase adds the base currency unless it is in the list. It does not change its
// arguments.
func withBase(currencies []Currency, base Currency) []Currency {
	if slices.Contains(currencies, base) {
		return slices.Clip(currencies)
	}
	return append(slices.Clip(currencies), base)
}

// quotedIn returns the currencies of quotes other than base and those listed.
func quotedIn(prices Prices, currencies []Currency, base Currency) []Currency {
	var more []Currency
	for _, q := range prices.Quotes {
		if q.Currency != base && !slices.Contains(currencies, q.Currency) && !slices.Contains(more, q.Currency) {
			more = append(more, q.Currency)
		}
	}
	return more
}

// rateSeries is the published rates of some days.
type rateSeries struct {
	rates    map[Pair][]Rate         // the oldest first
	partners map[Currency][]Currency // to or from which there are rates, in the order of their codes
}

// rateReader is a method of Market that reads rates.
type rateReader func(ctx context.Context, currencies []Currency, from, to Date, each func(Rate) error) error

// readRates reads the rates between currencies.
func readRates(ctx context.Context, read rateReader, currencies []Currency, from, to Date) (rateSeries, error) {
	s := rateSeries{rates: map[Pair][]Rate{}, partners: map[Currency][]Currency{}}
	currencies = withRateBase(currencies)
	if len(currencies) < 2 {
		return s, nil
	}
	err := read(ctx, currencies, from, to, func(r Rate) error {
		s.rates[r.Pair] = append(s.rates[r.Pair], r)
		return nil
	})
	for pair := range s.rates {
		s.partners[pair.From] = append(s.partners[pair.From], pair.To)
		s.partners[pair.To] = append(s.partners[pair.To], pair.From)
	}
	for c, partners := range s.partners {
		slices.Sort(partners)
		s.partners[c] = slices.Compact(partners)
	}
	return s, err
}

// converter computes rates from a currency at a time.
func (s rateSeries) converter(from Currency, at session) converter {
	return converter{
		published: func(p Pair) (Rate, bool) { return rateAt(s.rates[p], at.known()) },
		stale:     func(r Rate) bool { return at.stale(r.Time, r.StaleFrom()) },
		through:   s.partners[from],
	}
}

// rateAt returns the last of some rates, oldest first, up to a time.
func rateAt(list []Rate, at time.Time) (Rate, bool) {
	n, _ := slices.BinarySearchFunc(list, at, func(r Rate, at time.Time) int {
		if r.Time.After(at) {
			return 1
		}
		return -1
	})
	if n == 0 || !list[n-1].Rate.IsPositive() {
		return Rate{}, false
	}
	return list[n-1], true
}
