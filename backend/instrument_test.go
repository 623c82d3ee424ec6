package backend

import "testing"

func TestValidISIN(t *testing.T) {
	for isin, want := range map[string]bool{
		"US0378331005": true, "GB0002634946": true, "DE000BAY0017": true, "AU0000XVGZA3": true, "US0846707026": true, "NL0000009165": true,
		"US0378331006": false, "US0373831005": false, "us0378331005": false, "US037833100": false, "US03783310055": false, "0S0378331005": false, "": false,
	} {
		if got := ValidISIN(isin); got != want {
			t.Errorf("ValidISIN(%q) = %t, want %t", isin, got, want)
		}
	}
}
