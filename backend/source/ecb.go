package source

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strings"

	"portfolio/backend"

	"github.com/shopspring/decimal"
)

const (
	ecbURL = "https://www.ecb.europa.eu"
	// ecbRecent is how many days back the shorter of the two histories goes.
	ecbRecent = 85 // of 90, to be sure
)

// euroReference are the reference rates of the European Central Bank: what one
// euro is worth in some 30 currencies, published daily about 16:00 in Frankfurt.
// They are for information, not for transactions.
type euroReference struct {
	nothing
	client *client
}

func newECB(c Config) (Source, error) {
	client, err := newClient("ecb", ecbURL, "", c)
	if err != nil {
		return nil, err
	}
	return &euroReference{client: client}, nil
}

// Traits implements Source. No limit is published; the budget is a courtesy.
func (*euroReference) Traits() Traits {
	return Traits{Name: "ecb", Rates: true, Base: "EUR", Budget: Budget{PerMinute: 4, PerDay: 200}}
}

type ecbEnvelope struct {
	XMLName xml.Name `xml:"Envelope"`
	Days    []struct {
		Time  string `xml:"time,attr"`
		Rates []struct {
			Currency string `xml:"currency,attr"`
			Rate     string `xml:"rate,attr"`
		} `xml:"Cube"`
	} `xml:"Cube>Cube"`
}

// Rates implements Source. It loads the shortest file that has the period.
func (e *euroReference) Rates(ctx context.Context, currencies []backend.Currency,
	from, through backend.Date) ([]Rate, error) {
	last := TARGET.LastClose(e.client.now())
	path := "/stats/eurofxref/eurofxref-hist.xml"
	switch {
	case from >= last:
		path = "/stats/eurofxref/eurofxref-daily.xml"
	case from >= last-ecbRecent:
		path = "/stats/eurofxref/eurofxref-hist-90d.xml"
	}
	body, err := e.client.get(ctx, path, nil)
	if err != nil {
		return nil, err
	}
	var envelope ecbEnvelope
	if err := xml.Unmarshal(body, &envelope); err != nil {
		return nil, e.client.failed(Temporary, fmt.Errorf("unreadable answer: %w", err))
	}
	if len(envelope.Days) == 0 {
		return nil, e.client.failed(Temporary, errors.New("an answer without a day"))
	}
	var rates []Rate
	for _, day := range envelope.Days {
		date, err := backend.ParseDate(day.Time)
		if err != nil {
			return nil, e.client.failed(Temporary, err)
		}
		if date < from || date > through {
			continue
		}
		for _, r := range day.Rates {
			currency := backend.Currency(r.Currency)
			value, ok := number(r.Rate)
			if !slices.Contains(currencies, currency) || !ok {
				continue // "N/A" is a currency that was not quoted that day
			}
			rates = append(rates, e.rate(date, currency, value))
		}
	}
	slices.SortStableFunc(rates, func(a, b Rate) int { return a.Time.Compare(b.Time) })
	return rates, nil
}

func (e *euroReference) rate(date backend.Date, currency backend.Currency, value decimal.Decimal) Rate {
	return Rate{
		Pair: backend.Pair{From: "EUR", To: currency}, Rate: value, Source: "ecb",
		Time: TARGET.CloseOf(date).UTC(), Received: e.client.now().UTC(), FreshUntil: TARGET.FreshUntil(date).UTC(),
	}
}

// number reads a price or a rate, which is more than 0, from the text of an answer.
func number(text string) (decimal.Decimal, bool) {
	const most = 40
	if len(text) == 0 || len(text) > most || strings.ContainsAny(text, "eE") && len(text) > most/2 {
		return decimal.Decimal{}, false
	}
	d, err := decimal.NewFromString(text)
	if err != nil || !d.IsPositive() || d.Exponent() < -most || d.Exponent() > most {
		return decimal.Decimal{}, false
	}
	return d, true
}
