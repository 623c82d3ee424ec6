package demo

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Source is the source of every price that Feed writes.
const Source = "demo"

// quote and rate are prices in the form of the API, where a decimal is a JSON string.
type quote struct {
	Symbol   string          `json:"symbol"`
	Price    decimal.Decimal `json:"price"`
	Currency string          `json:"currency"`
	Source   string          `json:"source"`
	Time     time.Time       `json:"time"`
}

type rate struct {
	From   string          `json:"from"`
	To     string          `json:"to"`
	Rate   decimal.Decimal `json:"rate"`
	Source string          `json:"source"`
	Time   time.Time       `json:"time"`
}

// Market is a set of prices, each of which moves at random and on its own.
type Market struct {
	quotes []quote
	rates  []rate
	random *rand.Rand
}

// NewMarket returns a market of what Seed's portfolio holds. The same random numbers lead
// to the same prices.
func NewMarket(random *rand.Rand) *Market {
	return &Market{
		random: random,
		quotes: []quote{
			{Symbol: "ACME", Price: decimal.RequireFromString("182.40"), Currency: "USD"},
			{Symbol: "GLOBEX", Price: decimal.RequireFromString("81.15"), Currency: "USD"},
			{Symbol: "UMBRA", Price: decimal.RequireFromString("104.90"), Currency: "EUR"},
		},
		rates: []rate{{From: "EUR", To: "USD", Rate: decimal.RequireFromString("1.1620")}},
	}
}

// Decimals of prices and of exchange rates. Neither falls below one unit of its last
// decimal.
const (
	priceDecimals = 2
	rateDecimals  = 4
)

// Step moves every price by at most 0.2 % and every rate by at most 0.02 %.
func (m *Market) Step(now time.Time) {
	for i := range m.quotes {
		q := &m.quotes[i]
		q.Price, q.Source, q.Time = m.walk(q.Price, 20, priceDecimals), Source, now.UTC()
	}
	for i := range m.rates {
		r := &m.rates[i]
		r.Rate, r.Source, r.Time = m.walk(r.Rate, 2, rateDecimals), Source, now.UTC()
	}
}

// walk moves a value up or down by at most atMost hundredths of a percent.
func (m *Market) walk(value decimal.Decimal, atMost int64, decimals int32) decimal.Decimal {
	factor := decimal.New(10_000-atMost+m.random.Int64N(2*atMost+1), -4)
	return decimal.Max(decimal.New(1, -decimals), value.Mul(factor).Round(decimals))
}

// String returns the prices on one line.
func (m *Market) String() string {
	var words []string
	for _, q := range m.quotes {
		words = append(words, fmt.Sprintf("%s %s %s", q.Symbol, q.Price.StringFixed(priceDecimals), q.Currency))
	}
	for _, r := range m.rates {
		words = append(words, fmt.Sprintf("%s/%s %s", r.From, r.To, r.Rate.StringFixed(rateDecimals)))
	}
	return strings.Join(words, "   ")
}

// Feed moves the market, writes every price to the service and prints them, at once and at
// every tick, until ctx is done. That is not an error.
func Feed(ctx context.Context, c Client, m *Market, ticks <-chan time.Time, out io.Writer) error {
	for {
		now := time.Now()
		m.Step(now)
		var answer struct{ Received, Newer int }
		err := c.post(ctx, "/v1/quotes", map[string]any{"quotes": m.quotes, "rates": m.rates}, http.StatusOK, &answer)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s  %s\n", now.Format(time.TimeOnly), m)
		select {
		case <-ctx.Done():
			return nil
		case <-ticks:
		}
	}
}
