package backend

import (
	"time"

	"github.com/shopspring/decimal"
)

// Worth is what a portfolio was worth, in its base currency. If something is missing,
// State says what, and there is no number, which is null in JSON.
type Worth struct {
	State    State               `json:"state"`
	Total    decimal.NullDecimal `json:"total"` // Invested and Cash
	Invested decimal.NullDecimal `json:"invested"`
	Cash     decimal.NullDecimal `json:"cash"`
}

// DayValue is what a portfolio was worth at the close of a day.
type DayValue struct {
	Date Date `json:"date"`
	Worth
}

// MomentValue is what a portfolio was worth at a moment.
type MomentValue struct {
	Time time.Time `json:"time"`
	Worth
}
