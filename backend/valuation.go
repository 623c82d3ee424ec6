package backend

import (
	"cmp"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// State describes the prices of a value. If something is missing, there is no value,
// which is null in JSON.
type State string

// The states of a value, from best to worst.
const (
	StatePriced    State = "priced"    // nothing newer can be expected
	StateStale     State = "stale"     // something is older than its source's newest
	StateEstimated State = "estimated" // there is no quote: the price of the last trade is used
	StateNoRate    State = "no_rate"   // an exchange rate is missing
	StateNoPrice   State = "no_price"  // the price is missing
)

// UsedQuote is a quote that a valuation used.
type UsedQuote struct {
	Quote
	AgeMS int64 `json:"age_ms"` // at the time of the valuation
	Stale bool  `json:"stale"`
}

// UsedRate is a rate that a valuation used.
type UsedRate struct {
	Rate
	AgeMS int64 `json:"age_ms"` // at the time of the valuation
	Stale bool  `json:"stale"`
}

// Gains explain the unrealised gain of what is held, in the base currency.
type Gains struct {
	BaseCost       decimal.NullDecimal `json:"base_cost"`       // each lot's cost at the rate of its day
	BaseUnrealised decimal.NullDecimal `json:"base_unrealised"` // the value less BaseCost, which is both effects
	PriceEffect    decimal.NullDecimal `json:"price_effect"`    // the effect of prices, at the rates of the lots' days
	CurrencyEffect decimal.NullDecimal `json:"currency_effect"` // the effect of rates since
	// DayChange is the gain since the close of the day before: what came in and
	// went out since then is neither gain nor loss.
	DayChange decimal.NullDecimal `json:"day_change"`
}

// Position is the value of a holding.
type Position struct {
	Symbol     string              `json:"symbol"`
	Name       string              `json:"name,omitempty"` // of the instrument
	Currency   Currency            `json:"currency"`       // of Cost, Value and Unrealised
	Quantity   decimal.Decimal     `json:"quantity"`
	Cost       decimal.Decimal     `json:"cost"`
	State      State               `json:"state"`
	Value      decimal.NullDecimal `json:"value"`      // below zero when short
	Unrealised decimal.NullDecimal `json:"unrealised"` // Value less Cost
	BaseValue  decimal.NullDecimal `json:"base_value"` // in the base currency
	Gains
}

// CashPosition is the value of the cash in one currency.
type CashPosition struct {
	Currency  Currency            `json:"currency"`
	Amount    decimal.Decimal     `json:"amount"`
	State     State               `json:"state"`
	BaseValue decimal.NullDecimal `json:"base_value"`
}

// Valuation is what a ledger was worth at a time. Its sums are exact, and there is no
// sum if a part of it is missing.
type Valuation struct {
	AsOf     time.Time           `json:"as_of"`
	Base     Currency            `json:"base"`
	State    State               `json:"state"` // the worst of all
	Total    decimal.NullDecimal `json:"total"` // Invested and Cash, in the base currency
	Invested decimal.NullDecimal `json:"invested"`
	Cash     decimal.NullDecimal `json:"cash"`
	Gains
	Positions []Position     `json:"positions"`      // by symbol, those with units
	Balances  []CashPosition `json:"cash_positions"` // by currency, those with an amount
	Quotes    []UsedQuote    `json:"quotes"`         // by symbol, all that were used
	Rates     []UsedRate     `json:"rates"`          // by pair, all that were used
}

// Value computes what a ledger was worth in the base currency as of a time, by
// the prices known then. The ledger must reach through the day of that time. It
// has no gains but those that need no earlier price or rate; see Tracker.
func Value(l Ledger, base Currency, asOf time.Time, prices Prices) Valuation {
	return value(l, base, asOf, prices, &background{})
}

// background is what a valuation needs from earlier days.
type background struct {
	known   bool                // there is one
	lots    map[string]pastCost // of holdings in another currency than the base, by symbol
	opening sums                // worth of what was held at the close before, by symbol
	cash    decimal.NullDecimal // worth of the cash at the close before
}

func value(l Ledger, base Currency, asOf time.Time, prices Prices, past *background) Valuation {
	v := newValuer(prices, sessionAt(asOf, l.zone), l.zone)
	v.Valuation = Valuation{
		AsOf: asOf, Base: base, State: StatePriced,
		Positions: []Position{}, Balances: []CashPosition{}, Quotes: []UsedQuote{}, Rates: []UsedRate{},
	}
	nought := decimal.NewNullDecimal(decimal.Zero)
	v.Invested, v.Cash = nought, nought
	v.BaseCost, v.BaseUnrealised, v.PriceEffect, v.CurrencyEffect = nought, nought, nought, nought
	for i := range l.Holdings {
		h := &l.Holdings[i]
		if h.Quantity.IsZero() {
			continue
		}
		p := v.position(h, past)
		v.Positions = append(v.Positions, p)
		v.Invested = sum(v.Invested, p.BaseValue)
		v.State = worse(v.State, p.State)
		v.BaseCost, v.BaseUnrealised = sum(v.BaseCost, p.BaseCost), sum(v.BaseUnrealised, p.BaseUnrealised)
		v.PriceEffect, v.CurrencyEffect = sum(v.PriceEffect, p.PriceEffect), sum(v.CurrencyEffect, p.CurrencyEffect)
	}
	for _, currency := range l.Currencies() {
		amount := l.Cash[currency]
		if amount.IsZero() {
			continue
		}
		c := CashPosition{Currency: currency, Amount: amount, State: StatePriced}
		c.BaseValue = v.exchange(amount, currency, base, &c.State)
		v.Balances = append(v.Balances, c)
		v.Cash = sum(v.Cash, c.BaseValue)
		v.State = worse(v.State, c.State)
	}
	v.Total = sum(v.Invested, v.Cash)
	if past.known {
		v.dayChanges(l, past)
	}
	for _, r := range v.rates {
		v.Rates = append(v.Rates, r)
	}
	slices.SortFunc(v.Rates, func(a, b UsedRate) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return v.Valuation
}

// valuer is a valuation in progress.
type valuer struct {
	Valuation
	prices  Prices
	zone    *time.Location
	session session
	rates   map[Pair]UsedRate
	known   map[Pair]Converted // computed before
	converter
}

func newValuer(prices Prices, s session, zone *time.Location) *valuer {
	v := &valuer{prices: prices, zone: zone, session: s, rates: map[Pair]UsedRate{}, known: map[Pair]Converted{}}
	v.converter = converter{
		published: func(p Pair) (Rate, bool) { return prices.rate(p, s.at) },
		stale:     func(r Rate) bool { return s.stale(r.Time, r.StaleFrom()) },
	}
	return v
}

// conversion returns the rate of a pair at the time of the valuation.
func (v *valuer) conversion(pair Pair) (Converted, bool) {
	if known, found := v.known[pair]; found {
		return known, true
	}
	if v.through == nil {
		v.through = currenciesOf(v.prices.Rates)
	}
	c, found := v.convert(pair)
	if found {
		v.known[pair] = c
	}
	return c, found
}

func (v *valuer) position(h *Holding, past *background) Position {
	p := Position{Symbol: h.Symbol, Currency: h.Currency, Quantity: h.Quantity, Cost: h.Cost, State: StatePriced}
	if h.Currency == v.Base {
		p.BaseCost = decimal.NewNullDecimal(h.Cost)
	} else {
		p.BaseCost = past.lots[h.Symbol].cost
	}
	worth, currency, used, state := v.prices.worth(h, h.Quantity, v.session, DateIn(v.AsOf, v.zone), v.zone)
	if used != nil {
		v.Quotes = append(v.Quotes, *used)
	}
	if p.State = state; state == StateNoPrice {
		return p
	}
	p.Value = v.exchange(worth, currency, h.Currency, &p.State)
	p.BaseValue = v.exchange(worth, currency, v.Base, &p.State)
	if p.State == StateNoRate {
		p.BaseValue = decimal.NullDecimal{}
	}
	if p.Value.Valid {
		p.Unrealised = decimal.NewNullDecimal(p.Value.Decimal.Sub(h.Cost))
	}
	p.BaseUnrealised = sum(p.BaseValue, negative(p.BaseCost))
	switch {
	case h.Currency == v.Base:
		p.PriceEffect = p.BaseUnrealised
		p.CurrencyEffect = valid(decimal.Zero, p.BaseUnrealised.Valid)
	case p.BaseUnrealised.Valid && p.Value.Valid:
		// The value at the rates of the lots' days, weighted by their units.
		units := past.lots[h.Symbol].units.Decimal
		before := p.Value.Decimal.Mul(units).DivRound(h.Quantity, MaxDecimals)
		p.PriceEffect = decimal.NewNullDecimal(before.Sub(p.BaseCost.Decimal))
		p.CurrencyEffect = decimal.NewNullDecimal(p.BaseValue.Decimal.Sub(before))
	}
	return p
}

// worth prices units of a holding at a time of a day: by the quote known then,
// adjusted for the splits since, or else by the price of the last trade.
func (p Prices) worth(h *Holding, units decimal.Decimal, s session, day Date,
	zone *time.Location) (decimal.Decimal, Currency, *UsedQuote, State) {
	q, found := p.quote(h.Symbol, s.at)
	if !found {
		last := h.lastTrade
		if last.date == 0 || last.date > day {
			return decimal.Zero, h.Currency, nil, StateNoPrice
		}
		ratio := splitSince(h.splits, day, func(s unitChange) bool { return s.date > last.date })
		return worthOf(units, last.price, ratio), h.Currency, nil, StateEstimated
	}
	used := &UsedQuote{Quote: q, AgeMS: q.Age(s.at).Milliseconds(), Stale: s.stale(q.Time, q.StaleFrom())}
	used.FreshUntil = q.StaleFrom()
	state := StatePriced
	if used.Stale {
		state = StateStale
	}
	ratio := splitSince(h.splits, day, func(s unitChange) bool { return s.after(q.Time, zone) })
	return worthOf(units, q.Price, ratio), q.Currency, used, state
}

// exchange converts an amount into another currency, records the rates it used, and
// lowers the state to that of the rates.
func (v *valuer) exchange(amount decimal.Decimal, from, to Currency, state *State) decimal.NullDecimal {
	if from == to {
		return decimal.NewNullDecimal(amount)
	}
	c, found := v.conversion(Pair{From: from, To: to})
	if !found {
		*state = worse(*state, StateNoRate)
		return decimal.NullDecimal{}
	}
	for _, r := range c.Legs {
		used := UsedRate{Rate: r, AgeMS: r.Age(v.AsOf).Milliseconds(), Stale: v.stale(r)}
		used.FreshUntil = r.StaleFrom()
		v.rates[r.Pair] = used
		if used.Stale {
			*state = worse(*state, StateStale)
		}
	}
	return decimal.NewNullDecimal(amount.Mul(c.Rate))
}

// sum adds values; if one is unknown, there is no sum.
func sum(a, b decimal.NullDecimal) decimal.NullDecimal {
	if !a.Valid || !b.Valid {
		return decimal.NullDecimal{}
	}
	return decimal.NewNullDecimal(a.Decimal.Add(b.Decimal))
}

var badness = map[State]int{StatePriced: 0, StateStale: 1, StateEstimated: 2, StateNoRate: 3, StateNoPrice: 4}

func worse(a, b State) State {
	if badness[b] > badness[a] {
		return b
	}
	return a
}
