package layout

import (
	"strings"

	"portfolio/backend"

	"github.com/shopspring/decimal"
)

// schwab is the history of transactions of a Schwab brokerage account, in
// dollars. Its last line is a total, its first may name the account.
var schwab = (&table{
	name: "schwab",
	columns: map[string][]string{
		"date": {"date"}, "kind": {"action"}, "symbol": {"symbol"}, "name": {"description"}, "quantity": {"quantity"},
		"price": {"price"}, "fee": {"fees & comm", "fees & commissions"}, "amount": {"amount"}, "": {"acctg rule date"},
	},
	required: []string{"date", "kind", "symbol", "name", "quantity", "price", "fee", "amount"},
	decimal:  '.',
	order:    monthFirst,
	row:      schwabRow,
	finish:   func(rows []*record) { joinTaxes(rows, "tax", sameDay) },
}).indexed()

// bySign are actions that bring money or take it.
const bySign backend.Kind = "by sign"

var schwabKinds = map[string]backend.Kind{
	"buy": backend.Buy, "reinvest shares": backend.Buy, "sell": backend.Sell, "sell short": backend.Sell,
	"buy to cover":  backend.Buy,
	"cash dividend": backend.Dividend, "qualified dividend": backend.Dividend, "non-qualified div": backend.Dividend,
	"special dividend": backend.Dividend, "special qual div": backend.Dividend, "pr yr cash div": backend.Dividend,
	"pr yr special div": backend.Dividend, "pr yr non qual div": backend.Dividend,
	"reinvest dividend": backend.Dividend,
	"qual div reinvest": backend.Dividend, "pr yr div reinvest": backend.Dividend, "div adjustment": backend.Dividend,
	"long term cap gain": backend.Dividend, "short term cap gain": backend.Dividend,
	"long term cap gain reinvest": backend.Dividend, "short term cap gain reinvest": backend.Dividend,
	"bank interest": backend.Interest, "credit interest": backend.Interest, "bond interest": backend.Interest,
	"margin interest": backend.Interest, "nra tax adj": tax, "nra withholding": tax, "foreign tax paid": tax,
	"adr mgmt fee": backend.Fee, "service fee": backend.Fee, "misc cash entry": bySign,
	"moneylink transfer": bySign, "moneylink deposit": bySign, "moneylink withdrawal": bySign, "wire funds": bySign,
	"wire funds received": bySign, "wire received": bySign, "wire sent": bySign,
	"funds received": bySign, "funds paid": bySign,
	"journal": bySign, "journaled funds": bySign, "visa purchase": bySign,
	"atm withdrawal": bySign, "credit card": bySign,
	"promotional award": bySign,
	"return of capital": backend.ReturnOfCapital,
}

func schwabRow(r *record) []Transaction {
	t := Transaction{Name: r.text("name")}
	t.Kind = r.kind("kind", schwabKinds)
	// "03/02/2026 as of 02/27/2026" was booked on the first day and counts from the second.
	day := r.text("date")
	if _, effective, found := strings.Cut(day, " as of "); found {
		day = effective
	}
	var want string
	if t.Date, _, want = r.in.moment(day); want != "" {
		r.wrong("date", want)
	}
	t.Currency, t.Note = "USD", r.text("kind")
	amount, fee := r.amount("amount"), r.amount("fee").Abs()
	if t.Kind == bySign {
		return r.cash(t, amount)
	}
	if needsSymbol(t.Kind) || r.has("symbol") {
		r.security(&t)
	}
	switch t.Kind {
	case backend.Buy, backend.Sell:
		t.Fee = fee
		quantity, price := r.need("quantity").Abs(), r.need("price")
		t = trade(t, quantity, price, settled(t.Kind, amount, fee))
	case tax:
		r.tag = "tax"
		t.Tax = amount.Neg()
	case backend.Fee:
		t.Amount = amount.Abs()
	default:
		t.Amount = amount
	}
	return []Transaction{t}
}

// settled returns the money of a trade before its fee: what left the account
// includes it, what came is without it.
func settled(k backend.Kind, amount, fee decimal.Decimal) decimal.Decimal {
	if amount.IsZero() {
		return amount
	}
	if k == backend.Buy {
		return amount.Abs().Sub(fee)
	}
	return amount.Abs().Add(fee)
}

// cash makes a deposit or a withdrawal of an amount, by its sign.
func (r *record) cash(t Transaction, amount decimal.Decimal) []Transaction {
	t.Kind, t.Symbol, t.ISIN, t.Name = backend.Deposit, "", "", ""
	if amount.IsNegative() {
		t.Kind = backend.Withdrawal
	}
	if amount.IsZero() {
		r.wrong("amount", "an amount other than 0")
	}
	t.Amount = amount.Abs()
	return []Transaction{t}
}
