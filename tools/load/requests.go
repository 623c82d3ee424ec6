package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// times are durations of calls.
type times []time.Duration

// at returns a quantile: at(0.99) is the 99th percentile.
func (t times) at(share float64) time.Duration {
	if len(t) == 0 {
		return 0
	}
	slices.Sort(t)
	return t[int(share*float64(len(t)-1))]
}

// feed sends new prices of the symbols whose names are prefix and a number from from to
// to-1.
func (s *service) feed(ctx context.Context, prefix string, from, to int, price time.Duration) error {
	now := time.Now().UTC().Format(time.RFC3339Nano)
	var quotes []string
	for i := from; i < to; i++ {
		quotes = append(quotes, fmt.Sprintf(`{"symbol":"%s%d","price":"%d.%02d","currency":%q,"source":"load","time":%q}`,
			prefix, i, 10+price/100, price%100, currencyOf(prefix, i), now))
	}
	body := `{"quotes":[` + strings.Join(quotes, ",") + `],"rates":[]}`
	if prefix == "V" {
		rate := `{"from":"USD","to":"EUR","rate":"0.91","source":"load","time":"` + now + `"}`
		body = strings.Replace(body, `"rates":[]`, `"rates":[`+rate+`]`, 1)
	}
	_, err := s.call(ctx, http.MethodPost, "/v1/quotes", body)
	return err
}

// currencyOf returns the currency of a symbol. A quarter of the holdings of the valued
// portfolio are not in its base currency.
func currencyOf(prefix string, i int) string {
	if prefix == "V" && i%4 == 0 {
		return "USD"
	}
	return "EUR"
}
