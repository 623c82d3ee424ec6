package demo

import (
	"context"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

const (
	slot     = 5 * time.Minute // for each of which the service keeps a price
	maxBatch = 500             // quotes and rates of one call
	// ratesFresh is how long a rate is fresh: until the source publishes the next one, also
	// over a long weekend.
	ratesFresh = 4 * 24 * time.Hour
)

// quote is a quote or a rate in the form of the API.
type quote struct {
	Symbol     string `json:"symbol,omitempty"`
	Price      string `json:"price,omitempty"`
	Currency   string `json:"currency,omitempty"`
	From       string `json:"from,omitempty"`
	To         string `json:"to,omitempty"`
	Rate       string `json:"rate,omitempty"`
	Source     string `json:"source"`
	Time       string `json:"time"`
	FreshUntil string `json:"fresh_until,omitempty"`
}

// feed is a batch of them.
type feed struct {
	Quotes []quote `json:"quotes,omitempty"`
	Rates  []quote `json:"rates,omitempty"`
}

// FeedToday writes the prices of today in the recording, so that the chart of today is not
// empty when the market opens.
func FeedToday(ctx context.Context, c Client, now time.Time) error {
	for batch := range slices.Chunk(moments(now), maxBatch/len(market)) {
		var f feed
		for _, at := range batch {
			f.add(at, now)
		}
		var written struct{}
		if err := c.post(ctx, "/v1/quotes", f, http.StatusOK, &written); err != nil {
			return err
		}
	}
	return nil
}

// moments returns the ends of every five minutes of today (UTC) up to now.
func moments(now time.Time) []time.Time {
	var list []time.Time
	for at := now.UTC().Truncate(24 * time.Hour).Add(slot); !at.After(now); at = at.Add(slot) {
		list = append(list, at)
	}
	return list
}

// add adds the prices at a time of today.
func (f *feed) add(at, now time.Time) {
	for _, p := range market {
		q := quote{Source: "demo", Time: at.Format(time.RFC3339)}
		price := p.within(at, now).String()
		if from, to, pair := strings.Cut(p.symbol, "/"); pair {
			q.From, q.To, q.Rate = from, to, price
			q.FreshUntil = at.Add(ratesFresh).Format(time.RFC3339)
			f.Rates = append(f.Rates, q)
			continue
		}
		q.Symbol, q.Price, q.Currency = p.symbol, price, p.currency
		f.Quotes = append(f.Quotes, q)
	}
}

// within returns the price at a time of today: a line from yesterday's close to where the
// market opens now, with waves.
func (p price) within(at, now time.Time) decimal.Decimal {
	midnight := now.UTC().Truncate(24 * time.Hour)
	part := float64(at.Sub(midnight)) / float64(now.Sub(midnight))
	before, opening := p.past(1).InexactFloat64(), p.now.InexactFloat64()
	phase, height := float64(p.symbol[0]), 0.03*part*(1-part)
	wave := math.Sin(23*part+phase) + 0.5*math.Sin(71*part+2*phase)
	return decimal.NewFromFloat((before + (opening-before)*part) * (1 + height*wave)).Round(p.decimals)
}
