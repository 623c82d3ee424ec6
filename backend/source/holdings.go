package source

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"portfolio/backend"
)

const (
	// heldFor is how long Holdings returns what it returned before.
	heldFor = 15 * time.Second
	// rateMargin is how many days before an entry rates are wanted, because none is
	// published on the days of a long weekend.
	rateMargin = 7
)

// always is later than any portfolio.
var always = time.Date(9999, time.January, 1, 0, 0, 0, 0, time.UTC)

// Portfolios lists and loads the portfolios of all owners.
type Portfolios interface {
	// PortfoliosAt returns up to limit portfolios that were created no later than
	// at, in the order of their IDs, starting after the ID after ("" for the first).
	PortfoliosAt(ctx context.Context, at time.Time, after string, limit int) ([]backend.Portfolio, error)
	// Load returns a portfolio with all its transactions, in one snapshot.
	Load(ctx context.Context, owner, id string) (backend.Portfolio, []backend.Transaction, error)
}

// Instruments stores instruments.
type Instruments interface {
	// InstrumentsOf returns the known instruments of symbols, by symbol.
	InstrumentsOf(ctx context.Context, symbols []string) (map[string]backend.Instrument, error)
}

// Market has the newest prices.
type Market interface {
	Latest(ctx context.Context, symbols []string, currencies []backend.Currency) (backend.Prices, error)
}

// Holdings determines what all portfolios hold. It derives a portfolio again only when it
// has changed or another day has begun. It is safe for concurrent use.
type Holdings struct {
	portfolios  Portfolios
	instruments Instruments
	market      Market
	now         func() time.Time

	mu      sync.Mutex
	known   map[string]held // by portfolio
	at      time.Time       // when all was read
	all     Demand
	sources map[string]string // of the symbols whose instruments name one
}

// held is what one version of a portfolio holds.
type held struct {
	version     int64
	day         backend.Date
	instruments []Instrument
	currencies  map[backend.Currency]bool
	since       backend.Date // of the first entry
}

// NewHoldings returns Holdings that has read nothing yet.
func NewHoldings(p Portfolios, i Instruments, m Market, now func() time.Time) *Holdings {
	return &Holdings{portfolios: p, instruments: i, market: m, now: now, known: map[string]held{}}
}

// Of returns what a source is asked for: the instruments that name it, and those that
// name none if it is the first of the sources.
func (h *Holdings) Of(source string, first bool) Wants { return holdingsOf{h, source, first} }

type holdingsOf struct {
	holdings *Holdings
	source   string
	first    bool
}

// Wanted implements Wants.
func (o holdingsOf) Wanted(ctx context.Context) (Demand, error) {
	h := o.holdings
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.read(ctx); err != nil {
		return Demand{}, err
	}
	d := Demand{Currencies: h.all.Currencies}
	for _, i := range h.all.Instruments {
		if source := h.sources[i.Symbol]; source == o.source || source == "" && o.first {
			d.Instruments = append(d.Instruments, i)
		}
	}
	return d, nil
}

// read reads what is held, unless it has just done so; the lock is held.
func (h *Holdings) read(ctx context.Context) error {
	now := h.now()
	if age := now.Sub(h.at); age >= 0 && age < heldFor {
		return nil
	}
	known := map[string]held{}
	for after := ""; ; {
		page, err := h.portfolios.PortfoliosAt(ctx, always, after, backend.MaxPage)
		if err != nil {
			return err
		}
		for _, p := range page {
			of, err := h.of(ctx, p, now)
			if err != nil {
				return err
			}
			known[p.ID] = of
		}
		if len(page) < backend.MaxPage {
			break
		}
		after = page[len(page)-1].ID
	}
	all := demandOf(known)
	sources, err := h.describe(ctx, all.Instruments)
	if err != nil {
		return err
	}
	h.known, h.all, h.sources, h.at = known, all, sources, now
	return nil
}

// describe adds what is known of instruments and their newest prices, and returns the sources that they name.
func (h *Holdings) describe(ctx context.Context, list []Instrument) (map[string]string, error) {
	symbols := make([]string, len(list))
	for n, i := range list {
		symbols[n] = i.Symbol
	}
	known, err := h.instruments.InstrumentsOf(ctx, symbols)
	if err != nil {
		return nil, err
	}
	prices, err := h.market.Latest(ctx, symbols, nil)
	if err != nil {
		return nil, err
	}
	sources := map[string]string{}
	for n := range list {
		list[n].Accepted = prices.Quotes[list[n].Symbol].Price // whoever wrote it
		if i, found := known[list[n].Symbol]; found {
			list[n].ID, list[n].MIC, list[n].Currency, list[n].MinorUnit = i.SourceID, i.MIC, i.Currency, i.MinorUnit
			sources[i.Symbol] = i.Source
		}
	}
	return sources, nil
}

// of returns what a portfolio holds, the zero value if it was deleted since it was
// listed.
func (h *Holdings) of(ctx context.Context, p backend.Portfolio, now time.Time) (held, error) {
	day := p.Today(now)
	if k, found := h.known[p.ID]; found && k.version == p.Version && k.day == day {
		return k, nil
	}
	p, entries, err := h.portfolios.Load(ctx, p.Owner, p.ID)
	if known := (*backend.Error)(nil); errors.As(err, &known) && known.Code == backend.CodeNotFound {
		return held{}, nil
	}
	if err != nil {
		return held{}, err
	}
	k := held{version: p.Version, day: day, currencies: map[backend.Currency]bool{p.Base: true}}
	ledger, err := backend.Derive(ctx, p.Policy, entries, day)
	if err != nil {
		return held{}, err
	}
	first, splits := map[string]backend.Date{}, map[string][]Split{}
	for _, e := range entries {
		for _, symbol := range []string{e.Symbol, e.ToSymbol} {
			first[symbol] = earlier(first[symbol], e.Date)
		}
		if e.Kind == backend.Split {
			splits[e.Symbol] = append(splits[e.Symbol], Split{Date: e.Date, Ratio: e.Ratio})
		}
		for _, c := range []backend.Currency{e.Currency, e.FeeCurrency, e.ToCurrency} {
			if c != "" {
				k.currencies[c] = true
			}
		}
		k.since = earlier(k.since, e.Date)
	}
	for _, holding := range ledger.Holdings {
		if !holding.Quantity.IsZero() {
			k.instruments = append(k.instruments, Instrument{
				Symbol: holding.Symbol, Traded: holding.Currency, Since: first[holding.Symbol], Splits: splits[holding.Symbol],
			})
		}
	}
	return k, nil
}

// earlier returns the earlier of two days, of which 0 is none.
func earlier(a, b backend.Date) backend.Date {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// demandOf adds up what portfolios hold. Rates are wanted if there is more than one
// currency.
func demandOf(portfolios map[string]held) Demand {
	d := Demand{Currencies: map[backend.Currency]backend.Date{}}
	bySymbol := map[string]Instrument{}
	for _, p := range portfolios {
		for _, i := range p.instruments {
			known, found := bySymbol[i.Symbol]
			if !found {
				known = i
			}
			if known.Traded != i.Traded {
				known.Traded = ""
			}
			known.Since = earlier(known.Since, i.Since)
			for _, s := range i.Splits {
				if !slices.Contains(known.Splits, s) {
					known.Splits = append(slices.Clip(known.Splits), s)
				}
			}
			bySymbol[i.Symbol] = known
		}
		for c := range p.currencies {
			since := p.since
			if since > 0 {
				since -= rateMargin
			}
			d.Currencies[c] = earlier(d.Currencies[c], since)
		}
	}
	if len(d.Currencies) < 2 {
		d.Currencies = nil
	}
	for _, i := range bySymbol {
		d.Instruments = append(d.Instruments, i)
	}
	slices.SortFunc(d.Instruments, func(a, b Instrument) int { return strings.Compare(a.Symbol, b.Symbol) })
	return d
}
