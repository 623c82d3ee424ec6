package source

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"portfolio/backend"

	"github.com/shopspring/decimal"
)

// majorUnit returns the currency of a code that a source uses for an instrument, and one
// unit of its prices in that currency, such as 0.01 GBP for GBX.
func (i Instrument) majorUnit(code string) (currency backend.Currency, unit decimal.Decimal, ok bool) {
	currency, unit, ok = backend.MajorUnit(code)
	if ok && string(currency) == code && i.MinorUnit > 1 {
		unit = decimal.NewFromInt(1).Div(decimal.NewFromInt(int64(i.MinorUnit)))
	}
	return currency, unit, ok
}

// closing is the price of a day's close.
func closing(source string, i Instrument, value decimal.Decimal, currency backend.Currency, d backend.Date,
	market *Calendar, now time.Time) Price {
	return Price{
		Symbol: i.Symbol, Price: value.Round(backend.MaxDecimals), Currency: currency, Source: source,
		Time: market.CloseOf(d).UTC(), Received: now.UTC(), FreshUntil: market.FreshUntil(d).UTC(),
	}
}

// split proposes an entry for a split.
func split(source string, i Instrument, d backend.Date, ratio backend.Ratio) Action {
	return Action{Symbol: i.Symbol, Source: source, Entry: backend.Transaction{
		Kind: backend.Split, Date: d, Symbol: i.Symbol, Ratio: ratio,
	}}
}

// dividend proposes an entry for a dividend, with what one unit is paid.
func dividend(source string, i Instrument, d backend.Date, amount decimal.Decimal, currency backend.Currency) Action {
	return Action{Symbol: i.Symbol, Source: source, Entry: backend.Transaction{
		Kind: backend.Dividend, Date: d, Symbol: i.Symbol, Amount: amount, Currency: currency,
	}}
}

// ratioOf returns the ratio of a split from how many new units come of an old one.
// It reports false where the terms would be larger than an entry's may be.
func ratioOf(factor decimal.Decimal) (backend.Ratio, bool) {
	limit := decimal.NewFromInt(backend.MaxSplitTerm)
	for old := int64(1); old <= 1000; old++ { // such as 1.5, or 0.33333333 for one of three
		terms := factor.Mul(decimal.NewFromInt(old))
		whole := terms.Round(0)
		near := terms.Sub(whole).Abs().LessThan(decimal.New(1, -5))
		if near && whole.IsPositive() && whole.LessThanOrEqual(limit) {
			return backend.Ratio{New: whole.IntPart(), Old: old}, true
		}
	}
	return backend.Ratio{}, false
}

// each calls for every instrument until the source itself fails.
func each(instruments []Instrument, call func(Instrument) ([]Price, error)) ([]Price, error) {
	var prices []Price
	var problems []error
	for _, i := range instruments {
		some, err := call(i)
		prices = append(prices, some...)
		if err == nil {
			continue
		}
		problems = append(problems, err)
		if e := (*Error)(nil); !errors.As(err, &e) || e.general() {
			break
		}
	}
	return prices, errors.Join(problems...)
}

// about adds the symbol to an error about one.
func about(err error, symbol string) error {
	if e := (*Error)(nil); errors.As(err, &e) && !e.general() && e.Symbol == "" {
		e.Symbol = symbol
	}
	return err
}

func first(currencies ...backend.Currency) backend.Currency {
	for _, c := range currencies {
		if c != "" {
			return c
		}
	}
	return ""
}

// hiddenError is an error whose text must not show a secret.
type hiddenError struct{ text string }

func (e hiddenError) Error() string { return e.text }

// hidden replaces a secret in the text of an error.
func hidden(err error, secret string) error {
	if secret == "" {
		return err
	}
	return hiddenError{strings.ReplaceAll(strings.ReplaceAll(err.Error(), secret, "…"), url.QueryEscape(secret), "…")}
}
