package http

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"unicode/utf8"

	"portfolio/backend"
)

// instrumentSymbol is the name of a symbol in paths.
const instrumentSymbol = "symbol"

// minorUnit is how many pence are a pound, and so on.
const minorUnit = 100

// maxSearch limits the text that instruments are searched for, in characters.
const maxSearch = 100

type instrumentInput struct {
	Name       string           `json:"name,omitempty"`
	ISIN       string           `json:"isin,omitempty"`
	MIC        string           `json:"mic,omitempty"`
	Currency   backend.Currency `json:"currency,omitempty"`
	AssetClass string           `json:"asset_class,omitempty"`
	Sector     string           `json:"sector,omitempty"`
	Country    string           `json:"country,omitempty"`
	MinorUnit  int              `json:"minor_unit,omitempty"` // 0 for 1, or for 100 with a minor unit as the currency
	Source     string           `json:"source,omitempty"`
	SourceID   string           `json:"source_id,omitempty"`
	Aliases    []string         `json:"aliases,omitempty"`
}

func (in instrumentInput) instrument(symbol string) backend.Instrument {
	i := backend.Instrument{
		Symbol: symbol, Name: in.Name, ISIN: in.ISIN, MIC: in.MIC, Currency: in.Currency, AssetClass: in.AssetClass,
		Sector: in.Sector, Country: in.Country, MinorUnit: in.MinorUnit, Source: in.Source, SourceID: in.SourceID,
		Aliases: in.Aliases,
	}
	if i.Aliases == nil {
		i.Aliases = []string{}
	}
	major, _, ok := backend.MajorUnit(string(in.Currency))
	switch {
	case ok && major != in.Currency && i.MinorUnit == 0:
		i.Currency, i.MinorUnit = major, minorUnit
	case i.MinorUnit == 0:
		i.MinorUnit = 1
	}
	return i
}

func (a *api) listInstruments(ctx context.Context, w http.ResponseWriter, r *http.Request, _ backend.Principal) error {
	values, err := query(r, "symbols", "search", "after", "limit")
	if err != nil {
		return err
	}
	if values.Has("symbols") {
		return a.instrumentsOf(ctx, w, values)
	}
	p, err := page(values)
	if err != nil {
		return err
	}
	search := values.Get("search")
	if utf8.RuneCountInString(search) > maxSearch || !utf8.ValidString(search) {
		return wrong("search", search, "at most 100 characters")
	}
	items, next, err := a.Instruments.ListInstruments(ctx, search, p)
	if err != nil {
		return err
	}
	return replyJSON(w, http.StatusOK, listOf(items, next))
}

// instrumentsOf answers with those of some symbols that are known.
func (a *api) instrumentsOf(ctx context.Context, w http.ResponseWriter, values url.Values) error {
	for _, other := range []string{"search", "after", "limit"} {
		if values.Has(other) {
			return wrong(other, values.Get(other), "nothing together with symbols")
		}
	}
	symbols, err := symbolsIn(values)
	if err != nil {
		return err
	}
	known, err := a.Instruments.InstrumentsOf(ctx, symbols)
	if err != nil {
		return err
	}
	items := slices.SortedFunc(maps.Values(known), func(i, j backend.Instrument) int {
		return cmp.Compare(i.Symbol, j.Symbol)
	})
	return replyJSON(w, http.StatusOK, listOf(items, ""))
}

func (a *api) getInstrument(ctx context.Context, w http.ResponseWriter, r *http.Request, _ backend.Principal) error {
	if _, err := query(r); err != nil {
		return err
	}
	i, err := a.Instruments.GetInstrument(ctx, r.PathValue(instrumentSymbol))
	if err != nil {
		return err
	}
	return replyJSON(w, http.StatusOK, i)
}

func (a *api) putInstrument(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	if _, err := query(r); err != nil {
		return err
	}
	var in instrumentInput
	problems, err := decode(w, r, &in)
	if err != nil {
		return err
	}
	i := in.instrument(r.PathValue(instrumentSymbol))
	problems.addAll("", i.Validate())
	if err := problems.err(); err != nil {
		return err
	}
	if i, err = a.Instruments.PutInstrument(ctx, by, i, a.Now()); err != nil {
		return err
	}
	return replyJSON(w, http.StatusOK, i)
}
