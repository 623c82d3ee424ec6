package backend

import (
	"testing"

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
