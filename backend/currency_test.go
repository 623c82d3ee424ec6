package backend

import "testing"

func TestParseCurrency(t *testing.T) {
	for _, test := range []struct {
		code string
		ok   bool
	}{
		{"EUR", true}, {"JPY", true}, {"XOF", true}, {"ZWG", true},
		{"HRK", true},                              // Croatia's until 2023
		{"", false}, {"eur", false}, {"EU", false}, // not as the standard writes them
		{"XAU", false}, {"XXX", false}, {"XTS", false}, // nobody's money
		{"BTC", false}, {"GBX", false}, // in no list of the standard
	} {
		got, err := ParseCurrency(test.code)
		if (err == nil) != test.ok || (test.ok && got != Currency(test.code)) {
			t.Errorf("ParseCurrency(%q) = %q, %v, want ok %t", test.code, got, err, test.ok)
		}
	}
}
