package layout

import (
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"portfolio/backend"

	"github.com/shopspring/decimal"
)

// flexColumns are the fields of a Flex query's trades and cash transactions, by
// the names of the CSV file in lower case. The XML file has the same names
// without spaces and signs.
var flexColumns = map[string][]string{
	"kind": {"buy/sell", "buysell"}, "date": {"tradedate", "date/time", "datetime", "reportdate"},
	"time": {"tradetime"}, "isin": {"isin"},
	"symbol": {"symbol"}, "name": {"description"}, "quantity": {"quantity"}, "price": {"tradeprice", "price"},
	"amount": {"trademoney"}, "cash": {"amount"}, "currency": {"currencyprimary", "currency"},
	"fee": {"ibcommission"}, "fee_currency": {"ibcommissioncurrency"}, "tax": {"taxes"},
	"class": {"assetclass", "assetcategory"},
	"level": {"levelofdetail"}, "type": {"type"}, "id": {"transactionid"}, "trade_id": {"tradeid"},
	"": {
		"clientaccountid", "accountid", "accountalias", "model", "acctalias", "fxratetobase", "conid",
		"securityid", "securityidtype",
		"cusip", "listingexchange", "exchange", "multiplier", "netcash", "proceeds",
		"closeprice", "open/closeindicator",
		"openclose", "openclosindicator", "notes/codes", "notes", "cost", "costbasis", "fifopnlrealized",
		"realizedp/l", "mtmpnl", "mtmp/l",
		"settledatetarget", "settledate", "iborderid", "ibexecid", "brokerageorderid", "orderreference",
		"ordertype", "ordertime",
		"opendatetime", "istapiorder", "isapiorder", "subcategory", "underlyingsymbol", "underlyingconid",
		"strike", "expiry", "put/call",
		"putcall", "origtradeprice", "origtradedate", "transactiontype", "clearingfirmid", "exdate",
		"availablefortradingdate", "code",
	},
}

var flexCSV = (&table{
	name:     "ibkr-flex-csv",
	columns:  flexColumns,
	required: []string{"kind", "quantity", "price", "currency", "isin"},
	decimal:  '.',
	row:      flexRow,
	finish:   flexFinish,
}).indexed()

// flexXML is the XML form of the same query.
type flexXML struct{}

func (flexXML) Name() string { return "ibkr-flex-xml" }

// Match implements Layout.
func (flexXML) Match(d *document) int {
	if d.form != xmlForm {
		return 0
	}
	decoder := flexDecoder(d)
	for {
		token, err := decoder.Token()
		if err != nil {
			return 0
		}
		if start, ok := token.(xml.StartElement); ok {
			if start.Name.Local == "FlexQueryResponse" || start.Name.Local == "FlexStatements" {
				return 1
			}
			return 0
		}
	}
}

// flexDecoder reads a document whose text is UTF-8 by now, whatever its
// declaration says.
func flexDecoder(d *document) *xml.Decoder {
	decoder := xml.NewDecoder(strings.NewReader(d.text))
	decoder.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil }
	return decoder
}

// Read implements Layout.
func (flexXML) Read(d *document, in *reader) {
	in.useDefaults('.', anyOrder, nil)
	columns := (&table{columns: flexColumns}).indexed()
	decoder := flexDecoder(d)
	var rows []*record
	unknown := map[string]bool{}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			r := &record{header: &header{}, in: in, number: len(rows) + 1, Row: Row{Row: len(rows) + 1}}
			r.problem("", "malformed XML ("+err.Error()+")", "a whole Flex statement")
			rows = append(rows, r)
			break
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "Trade" && start.Name.Local != "CashTransaction" {
			continue
		}
		r := flexElement(columns, start, in, len(rows)+1)
		for _, name := range r.unknown {
			unknown[name] = true
		}
		rows = append(rows, r)
		if len(rows) > MaxRows {
			break
		}
	}
	flexFinish(rows)
	in.ignored = slices.Sorted(maps.Keys(unknown))
	for _, r := range rows {
		if !in.add(r.Row) {
			return
		}
	}
}

// flexElement reads an element's attributes as a row.
func flexElement(columns *table, e xml.StartElement, in *reader, number int) *record {
	names, cells := make([]string, len(e.Attr)), make([]string, len(e.Attr))
	for i, a := range e.Attr {
		names[i], cells[i] = a.Name.Local, a.Value
	}
	r := &record{header: columns.header(names), in: in, number: number, cells: cells, Row: Row{Row: number}}
	r.Transactions = flexRow(r)
	r.check()
	return r
}

// flexCash are the types of cash transactions.
var flexCash = map[string]backend.Kind{
	"dividends": backend.Dividend, "payment in lieu of dividends": backend.Dividend, "withholding tax": tax,
	"871(m) withholding":       tax,
	"broker interest received": backend.Interest, "broker interest paid": backend.Interest,
	"bond interest received": backend.Interest,
	"bond interest paid":     backend.Interest, "deposits/withdrawals": bySign, "deposits & withdrawals": bySign,
	"other fees": flexFee, "broker fees": flexFee, "commission adjustments": flexFee, "advisor fees": flexFee,
	"other income": backend.Interest,
}

// flexFee is a fee or the refund of one. It never leaves this package.
const flexFee backend.Kind = "flex fee"

func flexRow(r *record) []Transaction {
	if r.has("type") && !r.has("kind") && r.has("cash") {
		return r.flexCash()
	}
	switch level := strings.ToUpper(r.text("level")); level {
	case "", "EXECUTION", "DETAIL":
	case "ORDER", "SYMBOL_SUMMARY", "ASSET_SUMMARY", "CLOSED_LOT", "WASH_SALE", "SUMMARY":
		r.tag = level
		if level != "ORDER" {
			return r.skip("sums up other rows: " + level)
		}
	}
	t := Transaction{BrokerID: first(r.text("trade_id"), r.text("id"))}
	t.Date, t.Time = r.when("date", "time")
	t.Kind = r.kind("kind", flexKinds)
	currency, unit := r.currency("currency", "")
	t.Currency = currency
	quantity, price, money := r.need("quantity").Abs(), r.need("price").Mul(unit), r.amount("amount").Abs().Mul(unit)
	t.Tax = r.amount("tax").Abs().Mul(unit)
	commission := r.flexCommission(&t)
	if !r.has("isin") || strings.EqualFold(r.text("class"), "CASH") {
		return r.flexExchange(t, quantity, price, money, commission)
	}
	r.security(&t)
	if commission.IsNegative() {
		rebate := Transaction{BrokerID: t.BrokerID}
		rebate.Time = t.Time
		rebate.Kind, rebate.Date, rebate.Symbol, rebate.Note = backend.Interest, t.Date, t.Symbol,
			"rebate of the commission"
		rebate.Amount, rebate.Currency = commission.Neg(),
			backend.Currency(first(string(t.FeeCurrency), string(t.Currency)))
		t.FeeCurrency = ""
		return []Transaction{trade(t, quantity, price, money), rebate}
	}
	t.Fee = commission
	return []Transaction{trade(t, quantity, price, money)}
}

var flexKinds = map[string]backend.Kind{
	"buy": backend.Buy, "sell": backend.Sell, "buy (ca.)": backend.Buy, "sell (ca.)": backend.Sell,
}

// flexCommission returns the commission of a trade. Commissions are below zero in the
// file, and rebates above.
func (r *record) flexCommission(t *Transaction) decimal.Decimal {
	commission := r.amount("fee").Neg()
	if commission.IsZero() {
		return commission
	}
	if r.has("fee_currency") {
		currency, unit := r.currency("fee_currency", "")
		if currency != t.Currency {
			t.FeeCurrency = currency
		}
		return commission.Mul(unit)
	}
	return commission
}

// flexExchange is a trade of currencies: EUR.USD is bought with dollars.
func (r *record) flexExchange(t Transaction, quantity, price, money, commission decimal.Decimal) []Transaction {
	pair := first(r.text("symbol"), r.text("name"))
	base, quoted, found := strings.Cut(pair, ".")
	if pair == "" {
		return r.skip("an exchange of currencies of which the file names one; add Symbol to the query")
	}
	if !found || !backend.Currency(base).Valid() || backend.Currency(quoted) != t.Currency {
		r.wrong("symbol",
			"a pair of currencies that ends with that of the price, such as EUR.USD, or a security with an ISIN")
		return nil
	}
	if money.IsZero() {
		money = quantity.Mul(price)
	}
	if commission.IsNegative() {
		r.wrong("fee", "a commission of 0 or less for an exchange")
	}
	bought := t.Kind == backend.Buy
	t.Kind, t.ISIN, t.Name, t.Tax = backend.Conversion, "", "", decimal.Zero
	t.Fee = commission
	t.Amount, t.Currency, t.ToAmount, t.ToCurrency = money, backend.Currency(quoted), quantity, backend.Currency(base)
	if !bought {
		t.Amount, t.Currency, t.ToAmount, t.ToCurrency = quantity, backend.Currency(base),
			money, backend.Currency(quoted)
	}
	return []Transaction{t}
}

// flexCash is a cash transaction.
func (r *record) flexCash() []Transaction {
	if level := strings.ToUpper(r.text("level")); level == "SUMMARY" {
		return r.skip("sums up other rows: " + level)
	}
	t := Transaction{BrokerID: r.text("id")}
	t.Date, t.Time = r.when("date", "")
	t.Kind, t.Note = r.kind("type", flexCash), r.text("name")
	currency, unit := r.currency("currency", "")
	t.Currency = currency
	amount := r.need("cash").Mul(unit)
	if t.Kind == bySign {
		return r.cash(t, amount)
	}
	if r.has("isin") || t.Kind == backend.Dividend {
		r.security(&t)
		t.Name = ""
	}
	switch t.Kind {
	case tax:
		r.tag, t.Tax = "tax", amount.Neg()
	case flexFee:
		if t.Kind, t.Amount = backend.Fee, amount.Neg(); amount.IsPositive() {
			t.Kind, t.Amount = backend.Interest, amount
		}
	default:
		t.Amount = amount
	}
	return []Transaction{t}
}

// flexFinish drops the orders where their executions are listed too, and joins
// taxes to dividends.
func flexFinish(rows []*record) {
	executions := slices.ContainsFunc(rows, func(r *record) bool {
		return strings.EqualFold(r.textOf("level"), "EXECUTION")
	})
	for _, r := range rows {
		if r.tag == "ORDER" && executions {
			r.Transactions = r.skip("sums up other rows: ORDER")
		}
	}
	joinTaxes(rows, "tax", sameDay)
}

// textOf is text for a row that may have no header.
func (r *record) textOf(key string) string {
	if r.header == nil || r.at == nil {
		return ""
	}
	return r.text(key)
}
