package backend

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/shopspring/decimal"
)

// StaleAfter is the age beyond which a quote or a rate is stale if its source does not
// say until when it is fresh. How long one is cached is set in package valkey.
const StaleAfter = 60 * time.Second

// MaxFresh is how long after its time a quote or a rate may be fresh at most. No market
// is closed for as long.
const MaxFresh = 31 * 24 * time.Hour

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
	Time     time.Time       `json:"time"`     // when it was valid, by the source's clock
	Received time.Time       `json:"received"` // when the service received it
	// FreshUntil is until when the source can be expected to have no newer price; the
	// zero value is StaleAfter after Time.
	FreshUntil time.Time `json:"fresh_until,omitzero"`
}

// Validate reports every problem of the quote, joined: a FieldError each.
func (q Quote) Validate() error {
	var p problems
	p.symbol("symbol", q.Symbol)
	p.number("price", q.Price, false)
	p.currency("currency", q.Currency)
	p.origin(q.Source, q.Time, q.Received)
	p.freshness(q.Time, q.FreshUntil)
	return p.err()
}

// Age is how old the price is at now, never less than zero.
func (q Quote) Age(now time.Time) time.Duration { return age(q.Time, now) }

// StaleFrom is the time after which the price is stale.
func (q Quote) StaleFrom() time.Time { return staleFrom(q.Time, q.FreshUntil) }

// Stale reports whether a newer price can be expected at now.
func (q Quote) Stale(now time.Time) bool { return now.After(q.StaleFrom()) }

// Pair is a pair of currencies. Its rate is the number of units of To for one of From.
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
	// FreshUntil is as in Quote.
	FreshUntil time.Time `json:"fresh_until,omitzero"`
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
	p.freshness(r.Time, r.FreshUntil)
	return p.err()
}

// Age is how old the rate is at now, never less than zero.
func (r Rate) Age(now time.Time) time.Duration { return age(r.Time, now) }

// StaleFrom is the time after which the rate is stale.
func (r Rate) StaleFrom() time.Time { return staleFrom(r.Time, r.FreshUntil) }

// Stale reports whether a newer rate can be expected at now.
func (r Rate) Stale(now time.Time) bool { return now.After(r.StaleFrom()) }

func staleFrom(at, freshUntil time.Time) time.Time {
	if freshUntil.IsZero() {
		return at.Add(StaleAfter)
	}
	return freshUntil
}

// age returns the age of a price, zero if its time is ahead of our clock.
func age(at, now time.Time) time.Duration { return max(0, now.Sub(at)) }

// Prices are the latest quotes and rates known at some time. What is missing has no
// entry, and no value that could be mistaken for a price.
type Prices struct {
	Quotes map[string]Quote // by symbol
	Rates  map[Pair]Rate    // as they were published; see Converted for the others
}

// quote returns the price of a symbol as of a time, unless it is newer by more than the
// allowed clock skew: then it was not known.
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

func (p *problems) freshness(at, until time.Time) {
	if !until.IsZero() && (!until.After(at) || until.After(at.Add(MaxFresh))) {
		p.add("fresh_until", until.UTC().Format(time.RFC3339Nano),
			fmt.Sprintf("a time after that of the price, at most %d days later", MaxFresh/(24*time.Hour)))
	}
}

// session is when a price was the newest one: at a time, or at the close of a day
// that is over.
type session struct {
	at time.Time
	// open is when the last weekday up to the day began: a price from then on counts as
	// its close. It is zero if the session is not a close.
	open time.Time
	// exact excludes prices from after the time. Otherwise a source's clock may be ahead by
	// MaxClockSkew.
	exact bool
}

// known returns the last time of a price that is known.
func (s session) known() time.Time {
	if s.exact {
		return s.at
	}
	return s.at.Add(MaxClockSkew)
}

// closeOf is the close of a day.
func closeOf(d Date, zone *time.Location) session {
	return session{at: CloseIn(d, zone), open: openingIn(weekday(d), 0, zone)}
}

// sessionAt returns the close of a day if the time is one, otherwise the time.
func sessionAt(at time.Time, zone *time.Location) session {
	if d := DateIn(at, zone); CloseIn(d, zone).Equal(at) {
		return closeOf(d, zone)
	}
	return session{at: at}
}

// stale reports whether a price newer than one with these times could be expected.
func (s session) stale(priced, staleFrom time.Time) bool {
	return s.at.After(staleFrom) && (s.open.IsZero() || priced.Before(s.open))
}

// weekday returns the last day from Monday to Friday that is not after a day.
func weekday(d Date) Date {
	const friday = 4 // MinDate is a Monday
	return d - max(0, (d-MinDate)%7-friday)
}
