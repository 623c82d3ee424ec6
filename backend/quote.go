package backend

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/shopspring/decimal"
)

// StaleAfter is the age beyond which a quote or a rate is stale. How long one is
// cached is another matter; see package valkey.
const StaleAfter = 60 * time.Second

// MaxClockSkew is how far a feed's clock may be ahead of ours.
const MaxClockSkew = 5 * time.Second

// MaxSource limits the name of a feed, in bytes.
const MaxSource = 64

// Quote is what one unit of a symbol was worth at a time.
type Quote struct {
	Symbol   string          `json:"symbol"`
	Price    decimal.Decimal `json:"price"` // currency per unit; 0 is a price: worthless
	Currency Currency        `json:"currency"`
	Source   string          `json:"source"`   // the feed
	Time     time.Time       `json:"time"`     // when it was so, by the source
	Received time.Time       `json:"received"` // when it came here
}

// Validate reports every problem of the quote, joined: a FieldError each.
func (q Quote) Validate() error {
	var p problems
	p.symbol("symbol", q.Symbol)
	p.number("price", q.Price, false)
	p.currency("currency", q.Currency)
	p.origin(q.Source, q.Time, q.Received)
	return p.err()
}

// Age is how old the price is at now, never less than zero.
func (q Quote) Age(now time.Time) time.Duration { return age(q.Time, now) }

// Stale reports whether the price is older than StaleAfter at now.
func (q Quote) Stale(now time.Time) bool { return q.Age(now) > StaleAfter }

// Pair is an exchange: one unit of From is worth so many of To.
type Pair struct {
	From Currency `json:"from"`
	To   Currency `json:"to"`
}

// Rate is what a currency was worth in another at a time.
type Rate struct {
	Pair
	Rate     decimal.Decimal `json:"rate"` // units of To for one of From, more than 0
	Source   string          `json:"source"`
	Time     time.Time       `json:"time"`
	Received time.Time       `json:"received"`
}

// Validate reports every problem of the rate, joined: a FieldError each.
func (r Rate) Validate() error {
	var p problems
	p.currency("from", r.From)
	p.currency("to", r.To)
	if r.From == r.To && r.From.Valid() {
		p.add("to", string(r.To), "another currency than from")
	}
	p.number("rate", r.Rate, true)
	p.origin(r.Source, r.Time, r.Received)
	return p.err()
}

// Age is how old the rate is at now, never less than zero.
func (r Rate) Age(now time.Time) time.Duration { return age(r.Time, now) }

// Stale reports whether the rate is older than StaleAfter at now.
func (r Rate) Stale(now time.Time) bool { return r.Age(now) > StaleAfter }

// age of something that may be ahead of our clock.
func age(at, now time.Time) time.Duration { return max(0, now.Sub(at)) }

// Prices are the quotes and rates known at some time, the latest of each. What
// is not in them is missing; it has no value that could be taken for a price.
type Prices struct {
	Quotes map[string]Quote // by symbol
	Rates  map[Pair]Rate    // as the feed sent them; none is inverted or crossed
}

// quote returns the price of a symbol as of a time. One that is newer, beyond a
// skewed clock, was not known then.
func (p Prices) quote(symbol string, asOf time.Time) (Quote, bool) {
	q, found := p.Quotes[symbol]
	return q, found && !q.Time.After(asOf.Add(MaxClockSkew))
}

// rate is quote for currencies.
func (p Prices) rate(pair Pair, asOf time.Time) (Rate, bool) {
	r, found := p.Rates[pair]
	return r, found && r.Rate.IsPositive() && !r.Time.After(asOf.Add(MaxClockSkew))
}

// source checks the name of a feed.
func (p *problems) source(path, source string) {
	switch {
	case source == "" || len(source) > MaxSource:
		p.add(path, fmt.Sprintf("%d bytes", len(source)), fmt.Sprintf("1–%d bytes", MaxSource))
	case !utf8.ValidString(source) || strings.ContainsFunc(source, unicode.IsControl):
		p.add(path, fmt.Sprintf("%q", source), "UTF-8 without control characters")
	}
}

func (p *problems) origin(source string, at, received time.Time) {
	p.source("source", source)
	switch {
	case at.IsZero():
		p.add("time", "none", "a time")
	case received.IsZero():
		p.add("received", "none", "a time")
	case at.UTC().Before(MinDate.Midnight()):
		p.add("time", at.UTC().Format(time.RFC3339Nano), "a time from "+MinDate.String())
	case at.After(received.Add(MaxClockSkew)):
		p.add("time", at.UTC().Format(time.RFC3339Nano),
			fmt.Sprintf("at most %s after it was received", MaxClockSkew))
	}
}
