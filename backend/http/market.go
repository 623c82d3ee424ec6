package http

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"portfolio/backend"

	"github.com/shopspring/decimal"
)

// Market stores prices.
type Market interface {
	WriteQuotes(ctx context.Context, by backend.Principal, quotes []backend.Quote,
		rates []backend.Rate) (newer int, err error)
	// Prices returns the newest prices known at a time, and now for the zero time.
	Prices(ctx context.Context, symbols []string, currencies []backend.Currency, asOf time.Time) (backend.Prices, error)
	// QuoteSeries calls its function with the last quote before the first day and that of
	// each day, of each symbol. The function must not keep them.
	QuoteSeries(ctx context.Context, symbols []string, from, to backend.Date,
		each func(symbol string, closes *backend.Closes) error) error
}

type quoteInput struct {
	Symbol   string           `json:"symbol"`
	Price    number           `json:"price"`
	Currency backend.Currency `json:"currency"`
	Source   string           `json:"source"`
	Time     time.Time        `json:"time"`
	// FreshUntil is until when no newer price is to be expected; 0 for a minute.
	FreshUntil time.Time `json:"fresh_until,omitempty"`
}

type rateInput struct {
	From   backend.Currency `json:"from"`
	To     backend.Currency `json:"to"`
	Rate   number           `json:"rate"`
	Source string           `json:"source"`
	Time   time.Time        `json:"time"`
	// FreshUntil is as in quoteInput.
	FreshUntil time.Time `json:"fresh_until,omitempty"`
}

type feedInput struct {
	Quotes []quoteInput `json:"quotes,omitempty"`
	Rates  []rateInput  `json:"rates,omitempty"`
}

// feedOutput counts the quotes and rates that were received, and those that were newer
// than the stored ones.
type feedOutput struct {
	Received int `json:"received"`
	Newer    int `json:"newer"`
}

// prices returns the quotes and rates received at a time, or everything that is
// wrong with them.
func (in feedInput) prices(p *problems, received time.Time) (quotes []backend.Quote, rates []backend.Rate, err error) {
	decoded := !p.paths["quotes"] && !p.paths["rates"]
	if n := len(in.Quotes) + len(in.Rates); decoded && n == 0 || n > backend.MaxBatch {
		p.add("body", fmt.Sprintf("%d quotes and rates", n), fmt.Sprintf("1–%d", backend.MaxBatch))
	}
	for i, q := range in.Quotes {
		quote := backend.Quote{
			Symbol: q.Symbol, Price: q.Price.Decimal, Currency: q.Currency, Source: q.Source,
			Time: q.Time.UTC(), Received: received,
			FreshUntil: q.FreshUntil.UTC(),
		}
		quote = quote.InMajorUnits()
		p.addAll(fmt.Sprintf("quotes[%d]", i), quote.Validate())
		quotes = append(quotes, quote)
	}
	for i, r := range in.Rates {
		rate := backend.Rate{
			Pair: backend.Pair{From: r.From, To: r.To}, Rate: r.Rate.Decimal, Source: r.Source,
			Time: r.Time.UTC(), Received: received,
			FreshUntil: r.FreshUntil.UTC(),
		}
		p.addAll(fmt.Sprintf("rates[%d]", i), rate.Validate())
		rates = append(rates, rate)
	}
	return quotes, rates, p.err()
}

func (a *api) writeQuotes(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	var in feedInput
	problems, err := decode(w, r, &in)
	if err != nil {
		return err
	}
	quotes, rates, err := in.prices(problems, a.Now().UTC())
	if err != nil {
		return err
	}
	if err := mayWrite(by, quotes, rates); err != nil {
		return err
	}
	newer, err := a.Market.WriteQuotes(ctx, by, quotes, rates)
	if err != nil {
		return err
	}
	if len(quotes) > 0 {
		a.Metrics.Quoted(slices.MaxFunc(quotes, func(a, b backend.Quote) int {
			return a.StaleFrom().Compare(b.StaleFrom())
		}))
	}
	return replyJSON(w, http.StatusOK, feedOutput{Received: len(quotes) + len(rates), Newer: newer})
}

// mayWrite returns an error if there is a source that a key may not write.
func mayWrite(by backend.Principal, quotes []backend.Quote, rates []backend.Rate) error {
	refused := func(list string, i int, source string) error {
		return &backend.Error{
			Code:    backend.CodeForbidden,
			Message: fmt.Sprintf("%s[%d].source: the key may not write the source %.64q", list, i, source),
		}
	}
	for i, q := range quotes {
		if !by.MayWrite(q.Source) {
			return refused("quotes", i, q.Source)
		}
	}
	for i, r := range rates {
		if !by.MayWrite(r.Source) {
			return refused("rates", i, r.Source)
		}
	}
	return nil
}

// symbolsIn returns the symbols that a request is about, in order and each once.
func symbolsIn(values url.Values) ([]string, error) {
	symbols := strings.Split(values.Get("symbols"), ",")
	slices.Sort(symbols)
	symbols = slices.Compact(symbols)
	if symbols[0] == "" || len(symbols) > backend.MaxPage {
		return nil, wrong("symbols", values.Get("symbols"),
			fmt.Sprintf("1–%d symbols, separated by commas", backend.MaxPage))
	}
	for _, symbol := range symbols {
		if err := backend.ValidateSymbol("symbols", symbol); err != nil {
			return nil, invalid(err)
		}
	}
	return symbols, nil
}

// quotesOutput holds the known quotes and names the symbols that have none.
type quotesOutput struct {
	Quotes  []backend.UsedQuote `json:"quotes"` // by symbol
	Missing []string            `json:"missing"`
}

func (a *api) readQuotes(ctx context.Context, w http.ResponseWriter, r *http.Request, _ backend.Principal) error {
	values, err := query(r, "symbols")
	if err != nil {
		return err
	}
	symbols, err := symbolsIn(values)
	if err != nil {
		return err
	}
	prices, err := a.Market.Prices(ctx, symbols, nil, time.Time{})
	if err != nil {
		return err
	}
	now := a.Now()
	out := quotesOutput{Quotes: []backend.UsedQuote{}, Missing: []string{}}
	for _, symbol := range symbols {
		q, known := prices.Quotes[symbol]
		if !known {
			out.Missing = append(out.Missing, symbol)
			continue
		}
		used := backend.UsedQuote{Quote: q, AgeMS: q.Age(now).Milliseconds(), Stale: q.Stale(now)}
		used.FreshUntil = q.StaleFrom()
		out.Quotes = append(out.Quotes, used)
	}
	return replyJSON(w, http.StatusOK, out)
}

// quoteHistoryOutput is a page with all days that have a price.
type quoteHistoryOutput struct {
	Symbol string `json:"symbol"`
	list[dayPrice]
}

// dayPrice is the last price of a day (UTC).
type dayPrice struct {
	Date     backend.Date     `json:"date"`
	Price    decimal.Decimal  `json:"price"`
	Currency backend.Currency `json:"currency"`
	Time     time.Time        `json:"time"`
}

func (a *api) quoteHistory(ctx context.Context, w http.ResponseWriter, r *http.Request, _ backend.Principal) error {
	symbol := r.PathValue(instrumentSymbol)
	if err := backend.ValidateSymbol(instrumentSymbol, symbol); err != nil {
		return invalid(err)
	}
	values, err := query(r, "from", "to")
	if err != nil {
		return err
	}
	from, fromErr := date(values, "from")
	to, toErr := date(values, "to")
	today := backend.DateOf(a.Now()) + 1 // it may be tomorrow already where the caller is
	if err := cmp.Or(fromErr, toErr, ordered(from, to, today), bounded(from, to)); err != nil {
		return err
	}
	items := []dayPrice{}
	err = a.Market.QuoteSeries(ctx, []string{symbol}, from, to, func(_ string, closes *backend.Closes) error {
		for i := closes.Since(from); i < closes.Since(to+1); i++ {
			q := closes.Quote(i)
			items = append(items, dayPrice{Date: backend.DateOf(q.Time), Price: q.Price, Currency: q.Currency, Time: q.Time})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return replyJSON(w, http.StatusOK, quoteHistoryOutput{symbol, listOf(items, "")})
}
