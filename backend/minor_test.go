package backend

import (
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
)

func TestMajorUnit(t *testing.T) {
	for code, want := range map[string]string{
		"GBX": "0.01 GBP", "GBp": "0.01 GBP", "ILA": "0.01 ILS", "ZAc": "0.01 ZAR", "ZAC": "0.01 ZAR",
		"GBP": "1 GBP", "EUR": "1 EUR", "JPY": "1 JPY",
	} {
		currency, unit, ok := MajorUnit(code)
		assert.True(t, ok, code)
		assert.Equal(t, want, unit.String()+" "+string(currency), code)
	}
	for _, code := range []string{"", "gbp", "GB", "XXX", "GBPX"} {
		_, _, ok := MajorUnit(code)
		assert.False(t, ok, code)
	}
}

func TestInMajorUnits(t *testing.T) {
	d := decimal.RequireFromString
	pence := Transaction{Kind: Buy, Quantity: d("3"), Price: d("812.5"), Amount: d("2437.5"), Fee: d("100"),
		Tax: d("12.19"), Currency: "GBX"}
	pounds := pence.InMajorUnits()
	assert.Equal(t, []string{"3", "8.125", "24.375", "1", "0.1219", "GBP"},
		[]string{pounds.Quantity.String(), pounds.Price.String(),
			pounds.Amount.String(), pounds.Fee.String(), pounds.Tax.String(), string(pounds.Currency)})
	pence.FeeCurrency = "EUR"
	assert.Equal(t, []any{"100", Currency("EUR")},
		[]any{pence.InMajorUnits().Fee.String(), pence.InMajorUnits().FeeCurrency}, "a fee in another currency")
	pence.Currency, pence.FeeCurrency = "EUR", "GBp"
	assert.Equal(t, []any{"1", Currency("GBP"), "812.5"},
		[]any{pence.InMajorUnits().Fee.String(), pence.InMajorUnits().FeeCurrency, pence.InMajorUnits().Price.String()})
	exchange := Transaction{Kind: Conversion, Amount: d("5"), Currency: "ZAc", ToAmount: d("7"),
		ToCurrency: "ILA"}.InMajorUnits()
	assert.Equal(t, []any{"0.05", Currency("ZAR"), "0.07", Currency("ILS")},
		[]any{exchange.Amount.String(), exchange.Currency, exchange.ToAmount.String(), exchange.ToCurrency})
	q := Quote{Price: d("0.000000000001"), Currency: "GBp"}.InMajorUnits()
	assert.Equal(t, []any{"0.00000000000001", Currency("GBP")}, []any{q.Price.String(), q.Currency})
	assert.Equal(t, Quote{Price: d("2"), Currency: "GBP"}, Quote{Price: d("2"), Currency: "GBP"}.InMajorUnits())
}
