package backend

import "github.com/shopspring/decimal"

// DayValue is what a portfolio was worth at the close of a day, in its base
// currency. If something is missing, State says what, and there is no number, which is
// null in JSON.
type DayValue struct {
	Date     Date                `json:"date"`
	State    State               `json:"state"`
	Total    decimal.NullDecimal `json:"total"` // Invested and Cash
	Invested decimal.NullDecimal `json:"invested"`
	Cash     decimal.NullDecimal `json:"cash"`
}
