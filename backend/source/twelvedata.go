package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"portfolio/backend"

	"github.com/shopspring/decimal"
)

const (
	twelveDataURL = "https://api.twelvedata.com"
	// twelveDataRows is the most that one answer holds.
	twelveDataRows = "5000"
)

// twelveData has quotes, closing prices, splits, dividends and exchange rates of
// the world's markets. Showing its prices to others needs a plan of its own.
type twelveData struct {
	nothing
	client *client
	socket string // "" if the plan has none
	key    string
}

func newTwelveData(c Config) (Source, error) {
	client, err := newClient("twelvedata", twelveDataURL, "apikey "+c.Key, c)
	if err != nil {
		return nil, err
	}
	t := &twelveData{client: client, key: c.Key}
	if c.Stream {
		t.socket = socketURL(c.URL)
	}
	return t, nil
}

// Traits implements Source, with the limits of the free plan. Every symbol is a
// credit, so that calls for one at a time cost nothing more.
func (t *twelveData) Traits() Traits {
	return Traits{
		Name: "twelvedata", Latest: true, Closes: true, Actions: true, Stream: t.socket != "",
		Budget: Budget{PerMinute: 8, PerDay: 800}, ActionCalls: 2,
	}
}

// twelveDataError is what an answer has instead of data, also with status 200.
type twelveDataError struct {
	Code    json.Number `json:"code"`
	Message string      `json:"message"`
	Status  string      `json:"status"`
}

// get reads an answer, which may be an error inside a 200.
func (t *twelveData) get(ctx context.Context, path string, query url.Values, into any) error {
	body, err := t.client.get(ctx, path, query)
	if err != nil {
		return err
	}
	var problem twelveDataError
	if err := t.client.decode(body, &problem); err == nil && problem.Status == "error" {
		return t.refused(problem)
	}
	return t.client.decode(body, into)
}

// refused is an error that the provider describes. Its message may repeat what
// was asked; it is kept for operators, without the key.
func (t *twelveData) refused(e twelveDataError) error {
	message := e.Message
	if t.key != "" {
		message = strings.ReplaceAll(message, t.key, "…")
	}
	outcome := Temporary
	switch e.Code.String() {
	case "429":
		// The message says whether the minute or the day is used up.
		problem := &Error{Source: "twelvedata", Outcome: RateLimited, Err: errors.New(message)}
		if now := t.client.now(); strings.Contains(message, "day") {
			problem.Until = (backend.DateOf(now) + 1).Midnight()
		} else {
			problem.Until = now.Truncate(time.Minute).Add(time.Minute)
		}
		return problem
	case "401", "403":
		outcome = Unauthorised
	case "400", "404":
		outcome = UnknownSymbol
	}
	return t.client.failed(outcome, fmt.Errorf("code %s: %.200s", e.Code, message))
}

func (i Instrument) query() url.Values {
	q := url.Values{"symbol": {i.id()}}
	if i.MIC != "" {
		q.Set("mic_code", i.MIC)
	}
	return q
}

type twelveDataQuote struct {
	Currency     string      `json:"currency"`
	MIC          string      `json:"mic_code"`
	Close        string      `json:"close"`
	Timestamp    json.Number `json:"timestamp"` // of the bar's opening
	LastQuoteAt  json.Number `json:"last_quote_at"`
	IsMarketOpen bool        `json:"is_market_open"`
}

// Latest implements Source, with a call for each instrument.
func (t *twelveData) Latest(ctx context.Context, instruments []Instrument) ([]Price, error) {
	return each(instruments, func(i Instrument) ([]Price, error) {
		var q twelveDataQuote
		if err := t.get(ctx, "/quote", i.query(), &q); err != nil {
			return nil, about(err, i.Symbol)
		}
		seconds, err := strconv.ParseInt(q.LastQuoteAt.String(), 10, 64)
		value, ok := number(q.Close)
		if err != nil || seconds <= 0 || !ok {
			return nil, &Error{Source: "twelvedata", Outcome: NoPrice, Symbol: i.Symbol}
		}
		if i.MIC == "" {
			i.MIC = q.MIC
		}
		return t.price(i, value, q.Currency, time.Unix(seconds, 0), q.IsMarketOpen)
	})
}

// price makes a price in the currency of a quote, of which pence are a hundredth.
func (t *twelveData) price(i Instrument, value decimal.Decimal, code string, at time.Time, open bool) ([]Price, error) {
	currency, unit, err := t.currency(i, code)
	if err != nil {
		return nil, err
	}
	return []Price{{
		Symbol: i.Symbol, Price: value.Mul(unit).Round(backend.MaxDecimals), Currency: currency, Source: "twelvedata",
		Time: at.UTC(), Received: t.client.now().UTC(), FreshUntil: MarketOf(i.MIC).freshUntil(at, open).UTC(),
	}}, nil
}

// currency reads the currency of an answer, which has to be that of before.
func (t *twelveData) currency(i Instrument, code string) (backend.Currency, decimal.Decimal, error) {
	currency, unit, ok := i.majorUnit(code)
	if !ok {
		return "", unit, t.client.failed(Temporary, fmt.Errorf("currency of %s: got %.8q", i.Symbol, code))
	}
	if i.Currency != "" && currency != i.Currency {
		return "", unit, &Error{
			Source: "twelvedata", Outcome: CurrencyChanged, Symbol: i.Symbol,
			Err: fmt.Errorf("from %s to %s", i.Currency, currency),
		}
	}
	return currency, unit, nil
}

type twelveDataSeries struct {
	Meta struct {
		Currency string `json:"currency"`
		MIC      string `json:"mic_code"`
	} `json:"meta"`
	Values []struct {
		Datetime string `json:"datetime"`
		Close    string `json:"close"`
	} `json:"values"`
}

// Closes implements Source.
func (t *twelveData) Closes(ctx context.Context, i Instrument, from, through backend.Date) ([]Price, error) {
	query := i.query()
	query.Set("interval", "1day")
	query.Set("start_date", from.String())
	query.Set("end_date", (through + 1).String()) // the end itself is not in the answer
	query.Set("outputsize", twelveDataRows)
	query.Set("order", "asc")
	query.Set("adjust", "none")
	var series twelveDataSeries
	if err := t.get(ctx, "/time_series", query, &series); err != nil {
		return nil, about(err, i.Symbol)
	}
	currency, unit, err := t.currency(i, series.Meta.Currency)
	if err != nil {
		return nil, err
	}
	if i.MIC == "" {
		i.MIC = series.Meta.MIC
	}
	var prices []Price
	for _, v := range series.Values {
		text, _, _ := strings.Cut(v.Datetime, " ")
		date, err := backend.ParseDate(text)
		if err != nil {
			return prices, t.client.failed(Temporary, fmt.Errorf("unreadable answer: %w", err))
		}
		if value, ok := number(v.Close); ok && date >= from && date <= through {
			prices = append(prices, closing("twelvedata", i, value.Mul(unit), currency, date, MarketOf(i.MIC), t.client.now()))
		}
	}
	if len(prices) == 0 {
		return nil, &Error{Source: "twelvedata", Outcome: NoPrice, Symbol: i.Symbol}
	}
	return prices, nil
}

type twelveDataActions struct {
	Meta struct {
		Currency string `json:"currency"`
	} `json:"meta"`
	Splits []struct {
		Date        string      `json:"date"`
		Description string      `json:"description"`
		Ratio       json.Number `json:"ratio"`
		FromFactor  json.Number `json:"from_factor"`
		ToFactor    json.Number `json:"to_factor"`
	} `json:"splits"`
	Dividends []struct {
		ExDate string      `json:"ex_date"`
		Amount json.Number `json:"amount"`
	} `json:"dividends"`
}

// Actions implements Source, with two calls.
func (t *twelveData) Actions(ctx context.Context, i Instrument, from, through backend.Date) ([]Action, error) {
	query := i.query()
	query.Set("start_date", from.String())
	query.Set("end_date", through.String())
	var a twelveDataActions
	if err := t.get(ctx, "/splits", query, &a); err != nil {
		return nil, about(err, i.Symbol)
	}
	if err := t.get(ctx, "/dividends", query, &a); err != nil {
		return nil, about(err, i.Symbol)
	}
	var actions []Action
	for _, s := range a.Splits {
		date, err := backend.ParseDate(s.Date)
		ratio, ok := splitRatio(s.Description, s.FromFactor, s.ToFactor, s.Ratio)
		if err != nil || !ok {
			return actions, t.client.failed(Temporary, fmt.Errorf("split of %s: got %.40q with %s and %s",
				i.Symbol, s.Description, s.FromFactor, s.ToFactor))
		}
		actions = append(actions, split("twelvedata", i, date, ratio))
	}
	if len(a.Dividends) == 0 {
		return actions, nil
	}
	currency, unit, err := t.currency(i, a.Meta.Currency)
	if err != nil {
		return actions, err
	}
	for _, d := range a.Dividends {
		date, err := backend.ParseDate(d.ExDate)
		if amount, ok := number(d.Amount.String()); ok && err == nil {
			actions = append(actions, dividend("twelvedata", i, date, amount.Mul(unit), currency))
		}
	}
	return actions, nil
}

var forOne = regexp.MustCompile(`^(\d+)[- ]for[- ](\d+)`)

// splitRatio returns the new units of old ones. The ratio is what a price is
// multiplied by; the factors are checked against it, and the description against
// them, because sources differ in which factor is the new one.
func splitRatio(description string, a, b, ratio json.Number) (backend.Ratio, bool) {
	one, errOne := strconv.ParseInt(a.String(), 10, 64)
	two, errTwo := strconv.ParseInt(b.String(), 10, 64)
	multiple, ok := number(ratio.String())
	if errOne != nil || errTwo != nil || !ok || one < 1 || two < 1 || max(one, two) > backend.MaxSplitTerm {
		return backend.Ratio{}, false
	}
	for _, r := range []backend.Ratio{{New: one, Old: two}, {New: two, Old: one}} {
		off := multiple.Mul(decimal.NewFromInt(r.New)).Sub(decimal.NewFromInt(r.Old)).Abs()
		if off.GreaterThan(decimal.NewFromInt(r.New).Shift(-4)) { // the ratio is rounded
			continue
		}
		m := forOne.FindStringSubmatch(strings.ToLower(description))
		if m == nil || m[1] == strconv.FormatInt(r.New, 10) && m[2] == strconv.FormatInt(r.Old, 10) {
			return r, true
		}
	}
	return backend.Ratio{}, false
}
