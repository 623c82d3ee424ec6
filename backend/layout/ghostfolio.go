package layout

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"portfolio/backend"
)

var ghostfolioKinds = map[string]backend.Kind{
	"buy": backend.Buy, "sell": backend.Sell, "dividend": backend.Dividend,
	"interest": backend.Interest, "fee": backend.Fee,
}

// ghostfolioOther are the activities of assets without a market, whose worth their
// owner enters.
var ghostfolioOther = map[string]bool{"item": true, "liability": true}

// ghostfolioCSV is what Ghostfolio imports, in all the names that it accepts for
// a column. Its dates have the day first.
var ghostfolioCSV = (&table{
	name: "ghostfolio-csv",
	columns: map[string][]string{
		"date": {"date", "tradedate"}, "symbol": {"code", "symbol", "ticker"},
		"currency": {"currency", "ccy", "currencyprimary"},
		"price":    {"price", "unitprice", "unit price", "tradeprice", "value"},
		"quantity": {"quantity", "qty", "shares", "units"}, "kind": {"action", "type", "buy/sell", "side"},
		"fee": {"fee", "commission", "ibcommission"}, "note": {"note", "comment"}, "source": {"datasource"},
		"": {"account", "accountid", "tags"},
	},
	required: []string{"date", "symbol", "source", "currency", "price", "quantity", "kind"},
	order:    dayFirst,
	row:      ghostfolioRow,
}).indexed()

func ghostfolioRow(r *record) []Transaction {
	if ghostfolioOther[normal(r.text("kind"))] {
		return r.skip("neither money nor a security: " + r.text("kind"))
	}
	return general(r, ghostfolioKinds, func(s string) string { return s })
}

// ghostfolioJSON is what Ghostfolio exports.
type ghostfolioJSON struct{}

func (ghostfolioJSON) Name() string { return "ghostfolio-json" }

// activity is one of an export. Its numbers stay as they are written.
type activity struct {
	ID        string      `json:"id"`
	Type      string      `json:"type"`
	Date      string      `json:"date"`
	Symbol    string      `json:"symbol"`
	Currency  string      `json:"currency"`
	Quantity  json.Number `json:"quantity"`
	UnitPrice json.Number `json:"unitPrice"`
	Fee       json.Number `json:"fee"`
	Comment   string      `json:"comment"`
	Profile   struct {
		Symbol   string `json:"symbol"`
		Currency string `json:"currency"`
		ISIN     string `json:"isin"`
		Name     string `json:"name"`
	} `json:"SymbolProfile"`
}

var activityHeader = &header{
	at: map[string]int{
		"id": 0, "kind": 1, "date": 2, "symbol": 3, "currency": 4, "quantity": 5, "price": 6, "fee": 7,
		"note": 8, "isin": 9, "name": 10,
	},
	names: []string{"id", "type", "date", "symbol", "currency", "quantity", "unitPrice", "fee",
		"comment", "isin", "name"},
}

func (a activity) cells() []string {
	return []string{
		a.ID, a.Type, a.Date, first(a.Symbol, a.Profile.Symbol), first(a.Currency, a.Profile.Currency),
		a.Quantity.String(), a.UnitPrice.String(), a.Fee.String(), a.Comment, a.Profile.ISIN, a.Profile.Name,
	}
}

func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// activities returns the elements of the document's list, each still to be read.
func (ghostfolioJSON) activities(d *document) ([]json.RawMessage, error) {
	var export struct {
		Activities []json.RawMessage `json:"activities"`
		Orders     []json.RawMessage `json:"orders"` // as the first versions called them
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(d.text)))
	if err := decoder.Decode(&export); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text after the end of the JSON value")
	}
	return append(export.Activities, export.Orders...), nil
}

// Match implements Layout.
func (l ghostfolioJSON) Match(d *document) int {
	if d.form != jsonForm {
		return 0
	}
	list, _ := l.activities(d) // what is not JSON does not match
	return min(len(list), 1)
}

// Read implements Layout.
func (l ghostfolioJSON) Read(d *document, in *reader) {
	in.useDefaults('.', dayFirst, nil)
	list, _ := l.activities(d) // as Match found it
	for i, element := range list {
		r := &record{header: activityHeader, in: in, number: i + 1, Row: Row{Row: i + 1}}
		var a activity
		if err := json.Unmarshal(element, &a); err != nil {
			r.problem(wrongMember(err), "a value of the wrong type", "an activity as Ghostfolio exports it")
		} else {
			r.cells = a.cells()
			r.Transactions = ghostfolioRow(r)
		}
		r.check()
		if !in.add(r.Row) {
			return
		}
	}
}

// wrongMember returns the member that a decoding error is about.
func wrongMember(err error) string {
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		return wrong.Field
	}
	return ""
}
