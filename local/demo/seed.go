package demo

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// transaction is a transaction in the form of the API, where a number is a string.
type transaction struct {
	Kind     string `json:"kind"`
	Date     string `json:"date"`
	Symbol   string `json:"symbol,omitempty"`
	Quantity string `json:"quantity,omitempty"`
	Price    string `json:"price,omitempty"`
	Amount   string `json:"amount,omitempty"`
	Currency string `json:"currency,omitempty"`
	Fee      string `json:"fee,omitempty"`
	Ratio    *ratio `json:"ratio,omitempty"`
	Note     string `json:"note,omitempty"`
	daysAgo  int
}

type ratio struct {
	New int `json:"new"`
	Old int `json:"old"`
}

// history is the transactions of the portfolio: two currencies, a sale with a gain, income
// and a split. The companies are invented.
var history = []transaction{
	{daysAgo: 300, Kind: "DEPOSIT", Amount: "50000", Currency: "USD", Note: "opening balance"},
	{daysAgo: 299, Kind: "DEPOSIT", Amount: "10000", Currency: "EUR"},
	{daysAgo: 298, Kind: "BUY", Symbol: "ACME", Quantity: "40", Price: "300", Currency: "USD", Fee: "4.95"},
	{daysAgo: 290, Kind: "BUY", Symbol: "GLOBEX", Quantity: "120.5", Price: "75.20", Currency: "USD", Fee: "4.95"},
	{daysAgo: 280, Kind: "BUY", Symbol: "UMBRA", Quantity: "60", Price: "98.40", Currency: "EUR", Fee: "6"},
	{daysAgo: 200, Kind: "SPLIT", Symbol: "ACME", Ratio: &ratio{New: 2, Old: 1}},
	{daysAgo: 120, Kind: "SELL", Symbol: "ACME", Quantity: "20", Price: "171.35", Currency: "USD", Fee: "4.95"},
	{daysAgo: 90, Kind: "DIVIDEND", Symbol: "GLOBEX", Amount: "36.15", Currency: "USD"},
}

// Seed creates a portfolio, records its history up to a day, and returns its id.
func Seed(ctx context.Context, c Client, today time.Time, out io.Writer) (portfolio string, err error) {
	var created struct{ ID string }
	about := map[string]string{"name": "Demo", "base_currency": "USD"}
	if err := c.post(ctx, "/v1/portfolios", about, http.StatusCreated, &created); err != nil {
		return "", err
	}
	if created.ID == "" {
		return "", fmt.Errorf("POST /v1/portfolios: got no id, want one")
	}
	for _, t := range history {
		t.Date = today.UTC().AddDate(0, 0, -t.daysAgo).Format(time.DateOnly)
		var recorded struct{}
		if err := c.post(ctx, "/v1/portfolios/"+created.ID+"/transactions", t,
			http.StatusCreated, &recorded); err != nil {
			return "", fmt.Errorf("%s of %s: %w", t.Kind, t.Date, err)
		}
	}
	fmt.Fprintf(out, "portfolio %s: %d transactions recorded\n", created.ID, len(history))
	return created.ID, nil
}
