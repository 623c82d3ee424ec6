package backend

import "github.com/shopspring/decimal"

// minorUnits are the codes that markets and brokers use for a hundredth of a
// currency. None is a code of ISO 4217; case tells GBp (pence) from GBP.
var minorUnits = map[string]Currency{
	"GBX": "GBP", "GBx": "GBP", "GBp": "GBP",
	"ILA": "ILS", "ILa": "ILS",
	"ZAC": "ZAR", "ZAc": "ZAR",
}

var hundredth = decimal.New(1, -2)

// MajorUnit returns the currency of a code, and what one unit of the code is in
// that currency: GBX is 0.01 GBP, EUR is 1 EUR. It reports false for a code
// that is neither a currency nor a minor unit.
func MajorUnit(code string) (currency Currency, unit decimal.Decimal, ok bool) {
	if major, found := minorUnits[code]; found {
		return major, hundredth, true
	}
	return Currency(code), decimal.NewFromInt(1), Currency(code).Valid()
}
