package layout

import (
	"portfolio/backend"
)

// performance is what Portfolio Performance exports of its transactions, in
// English and in German. Value is what moved in the account.
var performance = (&table{
	name: "portfolio-performance",
	columns: map[string][]string{
		"date": {"date", "datum"}, "time": {"time", "uhrzeit"}, "kind": {"type", "typ"}, "amount": {"value", "wert"},
		"currency": {"transaction currency", "buchungswährung"}, "fee": {"fees", "gebühren"},
		"tax":      {"taxes", "steuern"},
		"quantity": {"shares", "stück"}, "isin": {"isin"}, "symbol": {"ticker symbol", "ticker-symbol"},
		"name": {"security name", "wertpapiername"}, "note": {"note", "notiz"},
		"": {
			"wkn", "gross amount", "bruttobetrag", "currency gross amount", "währung bruttobetrag", "exchange rate",
			"wechselkurs", "cash account", "konto", "offset account", "gegenkonto", "securities account",
			"depot", "source", "quelle",
		},
	},
	required: []string{"date", "kind", "amount", "currency", "quantity"},
	row:      performanceRow,
}).indexed()

var performanceKinds = map[string]backend.Kind{
	"buy": backend.Buy, "kauf": backend.Buy, "sell": backend.Sell, "verkauf": backend.Sell,
	"dividend": backend.Dividend, "dividends": backend.Dividend, "dividende": backend.Dividend,
	"interest": backend.Interest, "zinsen": backend.Interest,
	"interest charge": interestCharge, "zinsbelastung": interestCharge,
	"deposit": backend.Deposit, "einlage": backend.Deposit, "transfer (inbound)": backend.Deposit,
	"umbuchung (eingang)": backend.Deposit,
	"removal":             backend.Withdrawal, "entnahme": backend.Withdrawal,
	"transfer (outbound)": backend.Withdrawal, "umbuchung (ausgang)": backend.Withdrawal,
	"fees": backend.Fee, "gebühren": backend.Fee, "taxes": backend.Fee, "steuern": backend.Fee,
	"fees refund": backend.Interest, "gebührenerstattung": backend.Interest,
	"tax refund": backend.Interest, "steuerrückerstattung": backend.Interest,
	"delivery (inbound)": backend.TransferIn, "einlieferung": backend.TransferIn,
	"delivery (outbound)": backend.TransferOut, "auslieferung": backend.TransferOut,
}

// interestCharge is interest that is paid. It never leaves this package.
const interestCharge backend.Kind = "interest charge"

func performanceRow(r *record) []Transaction {
	t := Transaction{}
	t.Date, t.Time = r.when("date", "time")
	t.Kind = r.kind("kind", performanceKinds)
	currency, unit := r.currency("currency", "amount")
	t.Currency, t.Note = currency, r.text("note")
	value := r.need("amount").Abs().Mul(unit)
	fee, withheld := r.amount("fee").Abs().Mul(unit), r.amount("tax").Abs().Mul(unit)
	if needsSymbol(t.Kind) {
		r.security(&t)
	}
	switch t.Kind {
	case backend.Buy:
		t.Fee, t.Tax = fee, withheld
		quantity := r.need("quantity")
		t = trade(t, quantity.Abs(), t.Price, value.Sub(fee).Sub(withheld))
	case backend.Sell:
		t.Fee, t.Tax = fee, withheld
		quantity := r.need("quantity")
		t = trade(t, quantity.Abs(), t.Price, value.Add(fee).Add(withheld))
	case backend.TransferIn, backend.TransferOut:
		t.Quantity = r.need("quantity").Abs()
		if t.Amount = value; t.Kind == backend.TransferOut {
			t.Amount, t.Currency = value.Sub(value), ""
		}
	case backend.Dividend:
		t.Fee, t.Tax = fee, withheld
		t.Amount = value.Add(fee).Add(withheld)
	case interestCharge:
		t.Kind, t.Amount = backend.Interest, value.Neg()
	case backend.Interest:
		t.Tax, t.Amount = withheld, value.Add(withheld)
	default:
		t.Amount = value
	}
	return []Transaction{t}
}
