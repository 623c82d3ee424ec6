// Package source gets prices, closing prices, exchange rates and corporate actions from
// their publishers. It decides what to ask for and when; where prices are stored and
// who owns what is behind interfaces.
package source

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"portfolio/backend"

	"github.com/shopspring/decimal"
)

// Source is a publisher of prices. An implementation returns an *Error
// for every way in which an answer can fail, and ErrNotOffered for what it never
// has. With the error, it returns what it read before.
type Source interface {
	// Traits returns what the source has and what it allows.
	Traits() Traits
	// Latest returns the newest price of each instrument.
	Latest(ctx context.Context, instruments []Instrument) ([]Price, error)
	// Closes returns the closing prices of an instrument on the trading days of a
	// period, as they were traded: never adjusted for splits or dividends.
	Closes(ctx context.Context, i Instrument, from, through backend.Date) ([]Price, error)
	// Rates returns the rates of a period from the source's base to currencies. A
	// currency that the source does not have is missing.
	Rates(ctx context.Context, currencies []backend.Currency, from, through backend.Date) ([]Rate, error)
	// Actions returns the corporate actions of a period. They are proposals.
	Actions(ctx context.Context, i Instrument, from, through backend.Date) ([]Action, error)
	// Stream calls receive with every price that the source publishes until ctx ends or the
	// connection does.
	Stream(ctx context.Context, instruments []Instrument, receive func(Price)) error
}

// Traits are what a source has and what it allows.
type Traits struct {
	Name    string
	Latest  bool
	Closes  bool
	Rates   bool
	Actions bool
	Stream  bool
	Base    backend.Currency // of the rates
	Budget  Budget
	// ActionCalls is how many calls of the budget Actions takes.
	ActionCalls int
}

// Instrument is something that is traded, as a source needs to know it.
type Instrument struct {
	Symbol   string           // in portfolios
	ID       string           // with the source; "" for Symbol
	MIC      string           // of the market, ISO 10383; "" if not known
	Currency backend.Currency // of its prices; "" if not known
	// MinorUnit is how many units of its prices are one of the currency: 100 for pence, even
	// if the source calls them pounds or does not say; otherwise 1, or 0 if not known.
	MinorUnit int
	Traded    backend.Currency // in which it is held; "" if in several or not known
	Since     backend.Date     // first day that closing prices are wanted of; 0 for the last ones only
	Splits    []Split          // that its owners recorded
	Accepted  decimal.Decimal  // a price that an owner confirmed after it was held back; 0 for none
}

// Split is a split of an instrument.
type Split struct {
	Date  backend.Date  `json:"date"`
	Ratio backend.Ratio `json:"ratio"`
}

// id returns the name of the instrument at the source.
func (i Instrument) id() string {
	if i.ID != "" {
		return i.ID
	}
	return i.Symbol
}

// Price is a quote; a source sets its FreshUntil.
type Price = backend.Quote

// Rate is an exchange rate; a source sets its FreshUntil.
type Rate = backend.Rate

// Action is a corporate action that a source knows of, as an entry to propose.
// Its ID and Sequence are not set.
type Action struct {
	Symbol string
	Source string
	Entry  backend.Transaction // SPLIT, or DIVIDEND with the amount of one unit
}

// Config is how a source is reached.
type Config struct {
	Key    string           // "" for sources without one
	URL    string           // of the provider or of a fake; "" for the provider
	Stream bool             // whether to open the provider's socket
	File   string           // of recorded prices, for replay
	Client *http.Client     // nil for one with sensible timeouts
	Now    func() time.Time // nil for time.Now
}

// sources are all sources by name.
var sources = map[string]func(Config) (Source, error){
	"ecb":        newECB,
	"twelvedata": newTwelveData,
	"tiingo":     newTiingo,
	"replay":     newReplay,
}

// Names returns the names of all sources.
func Names() []string { return slices.Sorted(maps.Keys(sources)) }

// Open returns a source by its name. It sends nothing yet.
func Open(name string, c Config) (Source, error) {
	open, found := sources[name]
	if !found {
		return nil, &backend.FieldError{Path: "source", Got: fmt.Sprintf("%.40q", name), Want: strings.Join(Names(), ", ")}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return open(c)
}

// nothing implements the methods that a source does not offer.
type nothing struct{}

func (nothing) Latest(context.Context, []Instrument) ([]Price, error) { return nil, ErrNotOffered }

func (nothing) Closes(context.Context, Instrument, backend.Date, backend.Date) ([]Price, error) {
	return nil, ErrNotOffered
}

func (nothing) Rates(context.Context, []backend.Currency, backend.Date, backend.Date) ([]Rate, error) {
	return nil, ErrNotOffered
}

func (nothing) Actions(context.Context, Instrument, backend.Date, backend.Date) ([]Action, error) {
	return nil, ErrNotOffered
}

func (nothing) Stream(context.Context, []Instrument, func(Price)) error { return ErrNotOffered }
