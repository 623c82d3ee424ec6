package backend

import "testing"

func TestCurrencyValid(t *testing.T) {
	for _, test := range []struct {
		code string
		ok   bool
	}{
		{"EUR", true}, {"JPY", true}, {"XOF", true}, {"ZWG", true},
		{"HRK", true},                              // Croatia's until 2023
		{"", false}, {"eur", false}, {"EU", false}, // not in upper case
		{"XAU", false}, {"XXX", false}, {"XTS", false}, // not held as money
		{"BTC", false}, {"GBX", false}, // not in any list of the standard
	} {
		if got := Currency(test.code).Valid(); got != test.ok {
			t.Errorf("Currency(%q).Valid() = %t, want %t", test.code, got, test.ok)
		}
	}
}
