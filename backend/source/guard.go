package source

import (
	"fmt"

	"portfolio/backend"

	"github.com/shopspring/decimal"
)

// DefaultFactor is by how much a price may differ from the one before: less than
// the smallest usual split, two for one.
var DefaultFactor = decimal.RequireFromString("1.75")

// Held is a price that was held back rather than valued.
type Held struct {
	Quote  backend.Quote `json:"quote"`
	Before backend.Quote `json:"before"` // the last that was accepted
	Reason string        `json:"reason"`
}

// check returns why a price is held back, "" if it is not. A jump is explained by
// a split of the time between, and by a price that the owner accepted.
func check(i Instrument, before, next backend.Quote, factor decimal.Decimal, splits []Split) string {
	if before.Price.IsZero() || near(i.Accepted, next.Price, factor) {
		return ""
	}
	if before.Currency != next.Currency {
		return fmt.Sprintf("the currency changed from %s to %s", before.Currency, next.Currency)
	}
	if near(before.Price, next.Price, factor) {
		return ""
	}
	expected := before.Price
	from, through := backend.DateOf(before.Time), backend.DateOf(next.Time)
	for _, s := range splits {
		between := from < s.Date && s.Date <= through
		sameDay := from == through && s.Date == from // which of the prices is before it is not known
		if between || sameDay {
			expected = expected.Mul(decimal.NewFromInt(s.Ratio.Old)).
				DivRound(decimal.NewFromInt(s.Ratio.New), backend.MaxDecimals)
		}
	}
	if near(expected, next.Price, factor) {
		return ""
	}
	return fmt.Sprintf("%s differs from %s by more than a factor of %s", next.Price, before.Price, factor)
}

// near reports whether two prices differ by less than a factor.
func near(a, b, factor decimal.Decimal) bool {
	return a.IsPositive() && b.IsPositive() && a.LessThan(b.Mul(factor)) && b.LessThan(a.Mul(factor))
}
