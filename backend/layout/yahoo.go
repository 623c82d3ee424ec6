package layout

import (
	"strings"

	"portfolio/backend"
)

// yahoo is the portfolio that Yahoo Finance exports: one row a lot. Date and
// Time are those of the current price.
var yahoo = (&table{
	name: "yahoo",
	columns: map[string][]string{
		"symbol": {"symbol"}, "date": {"trade date"}, "price": {"purchase price"}, "quantity": {"quantity"},
		"fee": {"commission"}, "note": {"comment"}, "kind": {"transaction type"},
		"": {
			"current price", "date", "time", "change", "open", "high", "low", "volume", "high limit", "low limit",
		},
	},
	required: []string{"symbol", "date", "price", "quantity"},
	decimal:  '.',
	row:      yahooRow,
}).indexed()

var yahooKinds = map[string]backend.Kind{
	"": backend.Buy, "buy": backend.Buy, "sell": backend.Sell, "dividend": backend.Dividend,
	"deposit": backend.Deposit, "withdrawal": backend.Withdrawal,
}

// yahooMarkets are the currencies of the markets that the ends of Yahoo's symbols
// name. A symbol without such an end is of a market in the United States.
var yahooMarkets = map[string]string{
	"AS": "EUR", "AT": "EUR", "BE": "EUR", "BR": "EUR", "DE": "EUR", "DU": "EUR", "F": "EUR", "HA": "EUR",
	"HE": "EUR", "HM": "EUR",
	"IR": "EUR", "LS": "EUR", "MC": "EUR", "MI": "EUR", "MU": "EUR", "PA": "EUR", "SG": "EUR", "VI": "EUR",
	"AX": "AUD", "BA": "ARS",
	"BK": "THB", "BO": "INR", "NS": "INR", "CN": "CAD", "NE": "CAD", "TO": "CAD", "V": "CAD", "CO": "DKK",
	"HK": "HKD", "IL": "USD",
	"IS": "TRY", "JK": "IDR", "JO": "ZAc", "KL": "MYR", "KQ": "KRW", "KS": "KRW", "L": "GBp", "MX": "MXN",
	"NZ": "NZD", "OL": "NOK",
	"PR": "CZK", "SA": "BRL", "SI": "SGD", "SN": "CLP", "SS": "CNY", "ST": "SEK", "SW": "CHF",
	"SZ": "CNY", "T": "JPY", "TA": "ILA",
	"TW": "TWD", "TWO": "TWD", "WA": "PLN",
}

func yahooRow(r *record) []Transaction {
	if !r.has("quantity") && !r.has("date") {
		return r.skip("watched, without a lot")
	}
	t := Transaction{}
	t.Date, _ = r.when("date", "")
	t.Kind = backend.Buy
	if r.has("kind") {
		t.Kind = r.kind("kind", yahooKinds)
	}
	code := "USD"
	if dot := strings.LastIndexByte(r.text("symbol"), '.'); dot >= 0 {
		market, found := yahooMarkets[strings.ToUpper(r.text("symbol")[dot+1:])]
		if !found {
			r.wrong("symbol", "a symbol of a known market, such as ACME or ACME.L")
		}
		code = market
	}
	currency, unit, _ := backend.MajorUnit(code)
	t.Currency = currency
	t.Fee = r.amount("fee").Abs().Mul(unit)
	t.Note = r.text("note")
	if needsSymbol(t.Kind) {
		r.security(&t)
	}
	quantity, price := r.need("quantity"), r.need("price").Mul(unit)
	if len(r.Problems) > 0 {
		return nil
	}
	if t.Kind == backend.Buy || t.Kind == backend.Sell {
		return []Transaction{trade(t, quantity, price, price.Mul(quantity))}
	}
	t.Amount = quantity.Mul(price).Abs()
	return []Transaction{t}
}
