package backend

import (
	"errors"
	"fmt"
	"maps"
	"regexp"

	"github.com/shopspring/decimal"
)

// The limits of every quantity, price and amount: those of numeric(36,18). They also
// bound the work that a short text such as "1e999999" can cause.
const (
	MaxIntegerDigits = 18 // before the point
	MaxDecimals      = 18 // after the point
)

// symbolFormat matches the symbols that markets use: BRK.B, "BRK B", ^GSPC, M&M.NS, EURUSD=X.
var symbolFormat = regexp.MustCompile(`^[A-Z0-9^]([A-Z0-9.:=^/_&+ -]{0,30}[A-Z0-9.:=^/_&+-])?$`)

// FieldError is one value that cannot be accepted. Validate joins all of them.
type FieldError struct {
	Path string // the field as JSON names it
	Got  string
	Want string
}

// Error describes the problem in one line.
func (e *FieldError) Error() string {
	return fmt.Sprintf("%s: got %s, want %s", e.Path, e.Got, e.Want)
}

// problems collects what is wrong with one value.
type problems []error

func (p *problems) add(path, got, want string) {
	*p = append(*p, &FieldError{Path: path, Got: got, Want: want})
}

func (p problems) err() error { return errors.Join(p...) }

// bounded reports whether d is within the limits, without formatting it.
func bounded(d decimal.Decimal) bool {
	if d.Exponent() < -MaxDecimals || d.Exponent() > MaxIntegerDigits {
		return false
	}
	return d.NumDigits()+int(d.Exponent()) <= MaxIntegerDigits
}

// number checks one decimal: positive excludes zero and less, otherwise only less than zero
// is excluded.
func (p *problems) number(path string, d decimal.Decimal, positive bool) {
	switch {
	case !bounded(d):
		p.add(path, "too many digits", fmt.Sprintf("at most %d before and %d after the point",
			MaxIntegerDigits, MaxDecimals))
	case positive && !d.IsPositive():
		p.add(path, d.String(), "more than 0")
	case d.IsNegative():
		p.add(path, d.String(), "0 or more")
	}
}

// ValidateSymbol returns an error if a text cannot be a symbol. Path names the field.
func ValidateSymbol(path, symbol string) error {
	var p problems
	p.symbol(path, symbol)
	return p.err()
}

func (p *problems) symbol(path, symbol string) {
	if !symbolFormat.MatchString(symbol) {
		p.add(path, fmt.Sprintf("%.40q", symbol),
			"1–32 of A–Z, 0–9, space and .:=^/_&+-, a letter, a digit or ^ first, no space last")
	}
}

func (p *problems) currency(path string, c Currency) {
	if !c.Valid() {
		p.add(path, fmt.Sprintf("%.8q", c), "a code of ISO 4217 such as EUR")
	}
}

// Balances are amounts by currency. A currency that never moved has no entry.
type Balances map[Currency]decimal.Decimal

// clone returns a copy. It is never nil, so that JSON shows an object.
func (b Balances) clone() Balances {
	c := make(Balances, len(b))
	maps.Copy(c, b)
	return c
}

// add books an amount. Zero adds no entry.
func (b Balances) add(c Currency, amount decimal.Decimal) {
	if _, ok := b[c]; !ok && amount.IsZero() {
		return
	}
	b[c] = b[c].Add(amount)
}
