package source

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"portfolio/backend"

	"github.com/shopspring/decimal"
)

const tiingoURL = "https://api.tiingo.com"

// tiingo has daily closing prices of securities in the United States. Its answers
// name no currency: they are in dollars unless the instrument says otherwise.
// Showing its prices to others needs a plan of its own.
type tiingo struct {
	nothing
	client *client
}

func newTiingo(c Config) (Source, error) {
	client, err := newClient("tiingo", tiingoURL, "Token "+c.Key, c)
	if err != nil {
		return nil, err
	}
	return &tiingo{client: client}, nil
}

// Traits implements Source, with the limits of the free plan.
func (*tiingo) Traits() Traits {
	return Traits{Name: "tiingo", Closes: true, Actions: true, Budget: Budget{PerHour: 50, PerDay: 1000}, ActionCalls: 1}
}

type tiingoDay struct {
	Date        string      `json:"date"`
	Close       json.Number `json:"close"`
	DivCash     json.Number `json:"divCash"`
	SplitFactor json.Number `json:"splitFactor"`
}

// american is the market of an instrument, which is in the United States if the
// instrument does not say.
func american(i Instrument) *Calendar {
	if i.MIC == "" {
		return markets["XNYS"]
	}
	return MarketOf(i.MIC)
}

// Closes implements Source.
func (t *tiingo) Closes(ctx context.Context, i Instrument, from, through backend.Date) ([]Price, error) {
	days, currency, unit, err := t.days(ctx, i, from, through)
	if err != nil {
		return nil, err
	}
	var prices []Price
	for _, d := range days {
		date, err := t.date(d)
		if err != nil {
			return prices, err
		}
		if value, ok := number(d.Close.String()); ok && date >= from && date <= through {
			prices = append(prices, closing("tiingo", i, value.Mul(unit), currency, date, american(i), t.client.now()))
		}
	}
	if len(prices) == 0 {
		return nil, &Error{Source: "tiingo", Outcome: NoPrice, Symbol: i.Symbol}
	}
	return prices, nil
}

// Actions implements Source.
func (t *tiingo) Actions(ctx context.Context, i Instrument, from, through backend.Date) ([]Action, error) {
	days, currency, unit, err := t.days(ctx, i, from, through)
	if err != nil {
		return nil, err
	}
	var actions []Action
	for _, d := range days {
		date, err := t.date(d)
		if err != nil {
			return actions, err
		}
		if factor, ok := number(d.SplitFactor.String()); ok && !factor.Equal(decimal.NewFromInt(1)) {
			if ratio, ok := ratioOf(factor); ok {
				actions = append(actions, split("tiingo", i, date, ratio))
			}
		}
		if amount, ok := number(d.DivCash.String()); ok {
			actions = append(actions, dividend("tiingo", i, date, amount.Mul(unit), currency))
		}
	}
	return actions, nil
}

// days returns the days of a period that have prices, and the currency and the unit that
// their money is in.
func (t *tiingo) days(ctx context.Context, i Instrument, from, through backend.Date) (
	days []tiingoDay, currency backend.Currency, unit decimal.Decimal, err error) {
	path := "/tiingo/daily/" + url.PathEscape(strings.ReplaceAll(strings.ToLower(i.id()), ".", "-")) + "/prices"
	err = t.client.getJSON(ctx, path, url.Values{"startDate": {from.String()}, "endDate": {through.String()}}, &days)
	if err != nil {
		return nil, "", unit, about(err, i.Symbol)
	}
	currency, unit, ok := i.majorUnit(string(first(i.Currency, "USD")))
	if !ok {
		err = t.client.failed(Temporary, fmt.Errorf("currency of %s: got %.8q", i.Symbol, i.Currency))
	}
	return days, currency, unit, err
}

func (t *tiingo) date(d tiingoDay) (backend.Date, error) {
	text, _, _ := strings.Cut(d.Date, "T")
	date, err := backend.ParseDate(text)
	if err != nil {
		return 0, t.client.failed(Temporary, fmt.Errorf("unreadable answer: %w", err))
	}
	return date, nil
}
