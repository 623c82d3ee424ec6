package demo

import (
	"context"
	"math"
	"net/http"
	"time"

	"github.com/shopspring/decimal"
)

// pastDays is how far back prices go: to before the first transaction of Seed.
const pastDays = 301

// splitDaysAgo is when ACME was split two for one; prices before are of the old units.
const splitDaysAgo = 200

// maxBatch is how many prices the service takes at once.
const maxBatch = 500

// start is what a price or a rate was pastDays ago, in today's units.
var start = map[string]float64{"ACME": 149, "GLOBEX": 74.5, "UMBRA": 97.2, "EUR": 1.108}

// Past writes the closes of the days before now, without which the portfolio has neither
// a history nor returns. They lead to the prices at which the market opens.
func Past(ctx context.Context, c Client, m *Market, now time.Time) error {
	var quotes []quote
	var rates []rate
	flush := func() error {
		var answer struct{ Received int }
		err := c.post(ctx, "/v1/quotes", map[string]any{"quotes": quotes, "rates": rates}, http.StatusOK, &answer)
		quotes, rates = nil, nil
		return err
	}
	midnight := now.UTC().Truncate(24 * time.Hour)
	for ago := pastDays; ago > 0; ago-- {
		at := midnight.AddDate(0, 0, -ago).Add(20 * time.Hour)
		for _, q := range m.quotes {
			q.Price = past(q.Symbol, q.Price, ago, priceDecimals)
			if q.Symbol == "ACME" && ago > splitDaysAgo {
				q.Price = q.Price.Mul(decimal.NewFromInt(2))
			}
			q.Source, q.Time = Source, at
			quotes = append(quotes, q)
		}
		for _, r := range m.rates {
			r.Rate, r.Source, r.Time = past(r.From, r.Rate, ago, rateDecimals), Source, at
			rates = append(rates, r)
		}
		if len(quotes)+len(rates) > maxBatch-len(m.quotes)-len(m.rates) || ago == 1 {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// past returns a price of some days ago: a line from the start to now, with waves that
// differ from name to name and vanish today.
func past(name string, now decimal.Decimal, ago int, decimals int32) decimal.Decimal {
	phase := float64(name[0])
	wave := func(day float64) float64 { return 0.03*math.Sin(day/17+phase) + 0.012*math.Sin(day/4.3+2*phase) }
	if decimals == rateDecimals {
		wave = func(day float64) float64 { return 0.012 * math.Sin(day/29+phase) }
	}
	line := now.InexactFloat64() + (start[name]-now.InexactFloat64())*float64(ago)/pastDays
	return decimal.NewFromFloat(line * (1 + wave(float64(ago)) - wave(0))).Round(decimals)
}
