package push

import (
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

func same(a, b decimal.NullDecimal) bool {
	return a.Valid == b.Valid && (!a.Valid || a.Decimal.Equal(b.Decimal))
}

func samePosition(a, b *backend.Position) bool {
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

func sameQuote(a, b *backend.UsedQuote) bool {
	return a.Symbol == b.Symbol && a.Price.Equal(b.Price) && a.Currency == b.Currency &&
		a.Source == b.Source && a.Time.Equal(b.Time) && a.Received.Equal(b.Received)
}

func sameRate(a, b *backend.UsedRate) bool {
	return a.Pair == b.Pair && a.Rate.Rate.Equal(b.Rate.Rate) && a.Source == b.Source &&
		a.Time.Equal(b.Time) && a.Received.Equal(b.Received)
}
