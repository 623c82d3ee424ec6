package demo

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Source is the source of the prices that the demo moves.
const Source = "replay"

const (
	priceWait = 30 * time.Second // for the first prices
	pricePoll = 200 * time.Millisecond
)

// valuation is what is read of a valuation.
type valuation struct {
	Total  *decimal.Decimal
	Base   string
	Quotes []struct {
		Symbol, Currency, Source string
		Price                    decimal.Decimal
		Stale                    bool
	}
	Rates []struct {
		From, To string
		Rate     decimal.Decimal
	}
}

// moving reports whether all prices are the market's.
func (v valuation) moving() bool {
	for _, q := range v.Quotes {
		if q.Source != Source || q.Stale {
			return false
		}
	}
	return v.Total != nil && len(v.Quotes) > 0
}

// String returns the prices on one line.
func (v valuation) String() string {
	var words []string
	for _, q := range v.Quotes {
		words = append(words, fmt.Sprintf("%s %s %s", q.Symbol, q.Price.StringFixed(2), q.Currency))
	}
	for _, r := range v.Rates {
		words = append(words, fmt.Sprintf("%s/%s %s", r.From, r.To, r.Rate.StringFixed(4)))
	}
	return strings.Join(words, "   ")
}

func (c Client) valuation(ctx context.Context, portfolio string) (v valuation, err error) {
	return v, c.get(ctx, "/v1/portfolios/"+portfolio+"/valuation", &v)
}

// AwaitPrices waits until a portfolio is valued at prices of the market.
func AwaitPrices(ctx context.Context, c Client, portfolio string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, priceWait, fmt.Errorf("no prices came within %s", priceWait))
	defer cancel()
	for {
		v, err := c.valuation(ctx, portfolio)
		if err == nil && v.moving() {
			return nil
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pricePoll):
		}
	}
}

// Follow prints the prices of a portfolio at once and at every tick, until ctx is done. That
// is not an error.
func Follow(ctx context.Context, c Client, portfolio string, ticks <-chan time.Time, out io.Writer) error {
	for {
		v, err := c.valuation(ctx, portfolio)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s  %s\n", time.Now().Format(time.TimeOnly), v)
		select {
		case <-ctx.Done():
			return nil
		case <-ticks:
		}
	}
}
