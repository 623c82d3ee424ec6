package layout

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"portfolio/backend"

	"github.com/shopspring/decimal"
)

// own is the layout of the service's exports. Its columns are also the fields
// that a mapping can name.
var own = (&table{
	name: "portfolio",
	columns: map[string][]string{
		"date": {"date"}, "time": {"time"}, "kind": {"kind"}, "symbol": {"symbol"}, "isin": {"isin"}, "name": {"name"},
		"quantity": {"quantity"}, "price": {"price"}, "amount": {"amount"}, "currency": {"currency"},
		"fee": {"fee"}, "fee_currency": {"fee_currency"}, "tax": {"tax"},
		"to_amount": {"to_amount"}, "to_currency": {"to_currency"},
		"ratio_new": {"ratio_new"}, "ratio_old": {"ratio_old"}, "note": {"note"}, "id": {"id"},
		"acquired": {"acquired"}, "to_symbol": {"to_symbol"}, "cost_fraction": {"cost_fraction"}, "lots": {"lots"},
		"transfer": {"transfer"},
	},
	required: []string{"date", "kind"},
	decimal:  '.',
	row:      func(r *record) []Transaction { return general(r, ownKinds, disarmed.restore) },
}).indexed()

// ownKinds are the words for kinds in our own files and in mappings without kinds.
var ownKinds = func() map[string]backend.Kind {
	words := map[string]backend.Kind{}
	for _, k := range backend.Kinds {
		words[strings.ToLower(string(k))] = k
	}
	return words
}()

// general reads a row whose columns are named as in our own files.
func general(r *record, words map[string]backend.Kind, note func(string) string) []Transaction {
	t := Transaction{BrokerID: r.text("id")}
	t.Date, t.Time = r.when("date", "time")
	t.Kind = r.kind("kind", words)
	currency, unit := backend.Currency(""), decimal.NewFromInt(1)
	if t.Kind.Needs(backend.HasCurrency) || r.has("currency") {
		currency, unit = r.currency("currency", "amount")
	}
	t.Currency = currency
	t.Fee, t.Tax = r.amount("fee").Abs().Mul(unit), r.amount("tax").Abs().Mul(unit)
	if r.has("fee_currency") {
		t.FeeCurrency, unit = r.feeCurrency(&t, unit)
	}
	if i, found := r.at["note"]; found && i < len(r.cells) {
		t.Note = note(r.cells[i])
	}
	if (r.has("symbol") || r.has("isin") || needsSymbol(t.Kind)) && t.Kind.Has(backend.HasSymbol) {
		r.security(&t)
	}
	if len(r.Problems) > 0 {
		return nil
	}
	return []Transaction{r.fill(t, unit)}
}

// feeCurrency reads the currency of a fee; the fee itself was read in the unit of
// the transaction.
func (r *record) feeCurrency(t *Transaction, unit decimal.Decimal) (backend.Currency, decimal.Decimal) {
	currency, own := r.currency("fee_currency", "")
	t.Fee = r.amount("fee").Abs().Mul(own)
	if currency == t.Currency {
		currency = ""
	}
	return currency, unit
}

// fill sets the numbers that the kind of a transaction needs. Unit is what one
// unit of the file's currency is in the transaction's.
func (r *record) fill(t Transaction, unit decimal.Decimal) Transaction {
	quantity, price, amount := r.amount("quantity"), r.amount("price").Mul(unit), r.amount("amount").Mul(unit)
	switch t.Kind {
	case backend.Buy, backend.Sell:
		r.need("quantity")
		if !r.has("price") && !r.has("amount") {
			r.wrong("price", "a price or an amount")
		}
		t.Lots = r.lots()
		return trade(t, quantity, price, amount)
	case backend.Split, backend.SpinOff, backend.Merger:
		t.Ratio = backend.Ratio{New: r.term("ratio_new"), Old: r.term("ratio_old")}
		t.ToSymbol, t.CostFraction, t.Amount = symbol(r.text("to_symbol")), r.amount("cost_fraction"), amount
		return t
	case backend.Conversion:
		t.Amount, t.ToAmount = amount.Abs(), r.need("to_amount").Abs()
		t.ToCurrency, unit = r.currency("to_currency", "to_amount")
		t.ToAmount = t.ToAmount.Mul(unit)
		return t
	case backend.TransferIn, backend.TransferOut:
		t.Quantity, t.Amount, t.Transfer, t.Lots = quantity.Abs(), amount.Abs(), r.text("transfer"), r.lots()
		if r.has("acquired") {
			t.Acquired, _ = r.when("acquired", "")
		}
		return t
	}
	return r.fillMoney(t, quantity, price, amount)
}

// fillMoney sets the amount of a kind that moves only money.
func (r *record) fillMoney(t Transaction, quantity, price, amount decimal.Decimal) Transaction {
	if amount.IsZero() && !r.has("amount") {
		amount = quantity.Mul(price)
	}
	switch {
	case t.Kind == backend.Deposit && amount.IsNegative():
		t.Kind = backend.Withdrawal
	case t.Kind == backend.Fee && amount.IsZero():
		amount, t.Fee = t.Fee, decimal.Zero
	}
	if t.Kind == backend.Withdrawal || t.Kind == backend.Fee {
		amount = amount.Abs()
	}
	if t.Kind == backend.Deposit || t.Kind == backend.Withdrawal {
		t.Symbol, t.ISIN = "", ""
	}
	t.Amount = amount
	return t
}

// lots reads lots such as "2026-01-02 5; 2026-02-03 1.5".
func (r *record) lots() []backend.LotChoice {
	if !r.has("lots") {
		return nil
	}
	var lots []backend.LotChoice
	for part := range strings.SplitSeq(r.text("lots"), ";") {
		day, quantity, _ := strings.Cut(strings.TrimSpace(part), " ")
		date, _, wantDay := r.in.moment(day)
		n, wantNumber := r.in.number(quantity)
		if wantDay != "" || wantNumber != "" {
			r.wrong("lots", "days and quantities such as 2026-01-02 5; 2026-02-03 1.5")
			return nil
		}
		lots = append(lots, backend.LotChoice{Date: date, Quantity: n})
	}
	return lots
}

// needsSymbol reports whether entries of a kind are about a symbol.
func needsSymbol(k backend.Kind) bool { return k.Needs(backend.HasSymbol) }

// kind reads a kind by the words that a layout uses. A file without the column has only
// trades, sales with a negative quantity.
func (r *record) kind(key string, words map[string]backend.Kind) backend.Kind {
	if _, found := r.at[key]; !found {
		return backend.Buy
	}
	k, found := words[normal(r.text(key))]
	if !found {
		r.wrong(key, "one of "+listed(words))
	}
	return k
}

// listed lists the words of a layout, some of them if there are many.
func listed(words map[string]backend.Kind) string {
	list := make([]string, 0, len(words))
	for word := range words {
		list = append(list, word)
	}
	slices.Sort(list)
	const most = 20
	if len(list) > most {
		return strings.Join(list[:most], ", ") + ", …"
	}
	return strings.Join(list, ", ")
}

// term reads one term of the ratio of a split.
func (r *record) term(key string) int64 {
	n, err := strconv.ParseInt(r.text(key), 10, 64)
	if err != nil {
		r.wrong(key, fmt.Sprintf("an integer from 1 to %d", backend.MaxSplitTerm))
	}
	return n
}

// formula are the characters that make a cell a formula in a spreadsheet, and the
// apostrophe that an export writes before them (OWASP, "CSV Injection").
type formula string

const disarmed formula = "'=+-@\t\r"

// restore removes that apostrophe.
func (f formula) restore(text string) string {
	if len(text) > 1 && text[0] == '\'' && strings.ContainsRune(string(f), rune(text[1])) {
		return text[1:]
	}
	return text
}
