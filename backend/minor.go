package backend

import "github.com/shopspring/decimal"

// minorUnits are the codes that markets and brokers use for a hundredth of a
// currency. None is a code of ISO 4217; case distinguishes GBp (pence) from GBP.
var minorUnits = map[string]Currency{
	"GBX": "GBP", "GBx": "GBP", "GBp": "GBP",
	"ILA": "ILS", "ILa": "ILS",
	"ZAC": "ZAR", "ZAc": "ZAR",
}

var hundredth = decimal.New(1, -2)

// MajorUnit returns the currency of a code, and one unit of the code in that currency: GBX
// is 0.01 GBP, EUR is 1 EUR. It reports false for a code that is neither a currency nor a
// minor unit.
func MajorUnit(code string) (currency Currency, unit decimal.Decimal, ok bool) {
	if major, found := minorUnits[code]; found {
		return major, hundredth, true
	}
	return Currency(code), decimal.NewFromInt(1), Currency(code).Valid()
}

// InMajorUnits returns a quote in pence as one in pounds, and so on.
func (q Quote) InMajorUnits() Quote {
	if major, found := minorUnits[string(q.Currency)]; found {
		q.Currency, q.Price = major, q.Price.Mul(hundredth)
	}
	return q
}

// InMajorUnits returns a transaction with money in pence as one in pounds, and so on.
func (t Transaction) InMajorUnits() Transaction {
	feeUnit, fee := minorUnits[string(t.feeCurrency())]
	if fee {
		t.Fee = t.Fee.Mul(hundredth)
	}
	if t.FeeCurrency != "" && fee {
		t.FeeCurrency = feeUnit
	}
	if major, found := minorUnits[string(t.Currency)]; found {
		t.Currency = major
		t.Price, t.Amount, t.Tax = t.Price.Mul(hundredth), t.Amount.Mul(hundredth), t.Tax.Mul(hundredth)
	}
	if major, found := minorUnits[string(t.ToCurrency)]; found {
		t.ToCurrency, t.ToAmount = major, t.ToAmount.Mul(hundredth)
	}
	return t
}
