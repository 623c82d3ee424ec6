package backend

import (
	"cmp"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// State says what a value rests on. Where it is missing something there is no
// value, which JSON shows as null.
type State string

// The states of a value, the better first.
const (
	StatePriced  State = "priced"   // everything is no older than StaleAfter
	StateStale   State = "stale"    // something is older
	StateNoRate  State = "no_rate"  // an exchange rate is missing
	StateNoPrice State = "no_price" // the price is missing
)

// UsedQuote is a quote that a valuation rests on.
type UsedQuote struct {
	Quote
	AgeMS int64 `json:"age_ms"` // at the time of the valuation
	Stale bool  `json:"stale"`
}

// UsedRate is a rate that a valuation rests on.
type UsedRate struct {
	Rate
	AgeMS int64 `json:"age_ms"` // at the time of the valuation
	Stale bool  `json:"stale"`
}

// Position is the value of a holding.
type Position struct {
	Symbol     string              `json:"symbol"`
	Currency   Currency            `json:"currency"` // of Cost, Value and Unrealised
	Quantity   decimal.Decimal     `json:"quantity"`
	Cost       decimal.Decimal     `json:"cost"`
	State      State               `json:"state"`
	Value      decimal.NullDecimal `json:"value"`      // below zero when short
	Unrealised decimal.NullDecimal `json:"unrealised"` // Value less Cost
	BaseValue  decimal.NullDecimal `json:"base_value"` // in the base currency
}

// CashPosition is the value of the cash in one currency.
type CashPosition struct {
	Currency  Currency            `json:"currency"`
	Amount    decimal.Decimal     `json:"amount"`
	State     State               `json:"state"`
	BaseValue decimal.NullDecimal `json:"base_value"`
}

// Valuation is what a ledger was worth at a time. Its sums are exact, and there
// is none over anything that is missing.
type Valuation struct {
	AsOf      time.Time           `json:"as_of"`
	Base      Currency            `json:"base"`
	State     State               `json:"state"` // the worst there is
	Total     decimal.NullDecimal `json:"total"` // Invested and Cash, in the base currency
	Invested  decimal.NullDecimal `json:"invested"`
	Cash      decimal.NullDecimal `json:"cash"`
	Positions []Position          `json:"positions"`      // by symbol, those with units
	Balances  []CashPosition      `json:"cash_positions"` // by currency, those with an amount
	Quotes    []UsedQuote         `json:"quotes"`         // by symbol, all that were used
	Rates     []UsedRate          `json:"rates"`          // by pair, all that were used
}

// Value computes what a ledger was worth in the base currency as of a time, by
// the prices known then. The ledger must reach through the day of that time.
func Value(l Ledger, base Currency, asOf time.Time, prices Prices) Valuation {
	v := valuer{prices: prices, rates: map[Pair]UsedRate{}, Valuation: Valuation{
		AsOf: asOf, Base: base, State: StatePriced,
		Positions: []Position{}, Balances: []CashPosition{}, Quotes: []UsedQuote{}, Rates: []UsedRate{},
	}}
	v.Invested, v.Cash = decimal.NewNullDecimal(decimal.Zero), decimal.NewNullDecimal(decimal.Zero)
	for _, h := range l.Holdings {
		if h.Quantity.IsZero() {
			continue
		}
		p := v.position(h)
		v.Positions = append(v.Positions, p)
		v.Invested = sum(v.Invested, p.BaseValue)
		v.State = worse(v.State, p.State)
	}
	for _, currency := range l.Currencies() {
		amount := l.Cash[currency]
		if amount.IsZero() {
			continue
		}
		c := CashPosition{Currency: currency, Amount: amount, State: StatePriced}
		c.BaseValue = v.convert(amount, currency, base, &c.State)
		v.Balances = append(v.Balances, c)
		v.Cash = sum(v.Cash, c.BaseValue)
		v.State = worse(v.State, c.State)
	}
	v.Total = sum(v.Invested, v.Cash)
	for _, r := range v.rates {
		v.Rates = append(v.Rates, r)
	}
	slices.SortFunc(v.Rates, func(a, b UsedRate) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return v.Valuation
}

// valuer is a valuation on its way.
type valuer struct {
	Valuation
	prices Prices
	rates  map[Pair]UsedRate
}

func (v *valuer) position(h Holding) Position {
	p := Position{Symbol: h.Symbol, Currency: h.Currency, Quantity: h.Quantity, Cost: h.Cost, State: StatePriced}
	q, found := v.prices.quote(h.Symbol, v.AsOf)
	if !found {
		p.State = StateNoPrice
		return p
	}
	used := UsedQuote{Quote: q, AgeMS: q.Age(v.AsOf).Milliseconds(), Stale: q.Stale(v.AsOf)}
	v.Quotes = append(v.Quotes, used)
	if used.Stale {
		p.State = StateStale
	}
	worth := h.Quantity.Mul(q.Price)
	p.Value = v.convert(worth, q.Currency, h.Currency, &p.State)
	p.BaseValue = v.convert(worth, q.Currency, v.Base, &p.State)
	if p.Value.Valid {
		p.Unrealised = decimal.NewNullDecimal(p.Value.Decimal.Sub(h.Cost))
	}
	return p
}

// convert changes an amount into another currency, keeps the rate it used and
// makes the state worse where the rate is.
func (v *valuer) convert(amount decimal.Decimal, from, to Currency, state *State) decimal.NullDecimal {
	if from == to {
		return decimal.NewNullDecimal(amount)
	}
	r, found := v.prices.rate(Pair{From: from, To: to}, v.AsOf)
	if !found {
		*state = worse(*state, StateNoRate)
		return decimal.NullDecimal{}
	}
	used := UsedRate{Rate: r, AgeMS: r.Age(v.AsOf).Milliseconds(), Stale: r.Stale(v.AsOf)}
	v.rates[r.Pair] = used
	if used.Stale {
		*state = worse(*state, StateStale)
	}
	return decimal.NewNullDecimal(amount.Mul(r.Rate))
}

// sum adds what is known; with something unknown there is no sum.
func sum(a, b decimal.NullDecimal) decimal.NullDecimal {
	if !a.Valid || !b.Valid {
		return decimal.NullDecimal{}
	}
	return decimal.NewNullDecimal(a.Decimal.Add(b.Decimal))
}

var badness = map[State]int{StatePriced: 0, StateStale: 1, StateNoRate: 2, StateNoPrice: 3}

func worse(a, b State) State {
	if badness[b] > badness[a] {
		return b
	}
	return a
}
