package layout

import (
	"strings"

	"portfolio/backend"

	"github.com/shopspring/decimal"
)

// trading212 is the history of a Trading 212 account. Older files name the
// currency in the header, "Total (GBP)", newer ones in a column of its own.
var trading212 = (&table{
	name: "trading212",
	columns: map[string][]string{
		"kind": {"action"}, "date": {"time"}, "isin": {"isin"}, "symbol": {"ticker"}, "name": {"name"},
		"quantity": {"no. of shares"}, "price": {"price / share"}, "currency": {"currency (price / share)"},
		"rate": {"exchange rate"}, "amount": {"total"}, "total_currency": {"currency (total)"},
		"tax": {"withholding tax"}, "tax_currency": {"currency (withholding tax)"}, "note": {"notes"}, "id": {"id"},
		"fx_fee": {"currency conversion fee"}, "fx_fee_currency": {"currency (currency conversion fee)"},
		"stamp_duty":          {"stamp duty reserve tax", "stamp duty"},
		"stamp_duty_currency": {"currency (stamp duty reserve tax)", "currency (stamp duty)"},
		"french_tax":          {"french transaction tax"}, "french_tax_currency": {"currency (french transaction tax)"},
		"finra_fee": {"finra fee"}, "finra_fee_currency": {"currency (finra fee)"},
		"transaction_fee": {"transaction fee"}, "transaction_fee_currency": {"currency (transaction fee)"},
		"from": {"currency conversion from amount"}, "from_currency": {"currency (currency conversion from amount)"},
		"to": {"currency conversion to amount"}, "to_currency": {"currency (currency conversion to amount)"},
		"": {
			"result", "currency (result)", "gross total", "currency (gross total)", "charge amount",
			"currency (charge amount)",
			"deposit fee", "currency (deposit fee)", "merchant name", "merchant category",
		},
	},
	inHeader: []string{
		"", "amount", "fx_fee", "stamp_duty", "french_tax", "finra_fee", "transaction_fee", "tax",
	},
	required: []string{"kind", "date", "isin", "symbol", "quantity", "price", "amount"},
	decimal:  '.',
	order:    dayFirst,
	row:      trading212Row,
}).indexed()

// trading212Fees are the columns of what a trade costs besides its price.
var trading212Fees = []string{"fx_fee", "stamp_duty", "french_tax", "finra_fee", "transaction_fee"}

var trading212Kinds = map[string]backend.Kind{
	"deposit": bySign, "withdrawal": backend.Withdrawal, "card debit": backend.Withdrawal, "new card cost": backend.Fee,
	"card credit": backend.Deposit, "interest on cash": backend.Interest, "lending interest": backend.Interest,
	"share lending interest": backend.Interest, "spending cashback": backend.Interest,
	"currency conversion": backend.Conversion,
}

// trading212Kind reads an action: "Market buy", "Limit sell", "Dividend (Ordinary)".
func trading212Kind(r *record) backend.Kind {
	action := normal(r.text("kind"))
	switch {
	case strings.HasSuffix(action, " buy"):
		return backend.Buy
	case strings.HasSuffix(action, " sell"):
		return backend.Sell
	case action == "dividend", strings.HasPrefix(action, "dividend "):
		return backend.Dividend
	}
	k, found := trading212Kinds[action]
	if !found {
		r.wrong("kind", "a buy, a sell, a dividend, or one of "+listed(trading212Kinds))
	}
	return k
}

func trading212Row(r *record) []Transaction {
	t := Transaction{BrokerID: r.text("id")}
	t.Kind, t.Note = trading212Kind(r), r.text("note")
	t.Date, t.Time = r.when("date", "")
	if t.Kind == backend.Conversion {
		return r.converted(t)
	}
	currency, unit := r.currency("total_currency", "amount")
	total := r.need("amount").Mul(unit)
	switch t.Kind {
	case backend.Buy, backend.Sell:
		r.security(&t)
		return r.sharesTraded(t, total, currency)
	case backend.Dividend:
		r.security(&t)
		t.Currency, t.Tax = currency, r.withheld(currency)
		t.Amount = total.Add(t.Tax)
		return []Transaction{t}
	case bySign:
		t.Currency = currency
		return r.cash(t, total)
	}
	t.Currency, t.Amount = currency, total
	if t.Kind != backend.Interest {
		t.Amount = total.Abs()
	}
	return []Transaction{t}
}

// sharesTraded is a trade. The account converts what a security in another
// currency costs or brings, which is a transaction of its own.
func (r *record) sharesTraded(t Transaction, total decimal.Decimal, account backend.Currency) []Transaction {
	currency, unit := r.currency("currency", "")
	t.Currency = currency
	price, quantity := r.need("price").Mul(unit), r.need("quantity").Abs()
	fee, feeCurrency := r.fees(account)
	net := settled(t.Kind, total, fee)
	t.Fee = fee
	if feeCurrency != currency {
		t.FeeCurrency = feeCurrency
	}
	if fee.IsZero() {
		t.FeeCurrency = ""
	}
	if len(r.Problems) > 0 {
		return nil
	}
	if currency == account {
		return []Transaction{trade(t, quantity, price, net)}
	}
	t = trade(t, quantity, price, decimal.Zero)
	worth := quantity.Mul(price)
	exchange := Transaction{BrokerID: t.BrokerID}
	exchange.Time = t.Time
	exchange.Kind, exchange.Date = backend.Conversion, t.Date
	if t.Kind == backend.Buy {
		exchange.Amount, exchange.Currency, exchange.ToAmount, exchange.ToCurrency = net, account, worth, currency
		return []Transaction{exchange, t}
	}
	exchange.Amount, exchange.Currency, exchange.ToAmount, exchange.ToCurrency = worth, currency, net, account
	return []Transaction{t, exchange}
}

// fees sums what a trade cost in the account's currency.
func (r *record) fees(account backend.Currency) (decimal.Decimal, backend.Currency) {
	sum := decimal.Zero
	for _, key := range trading212Fees {
		fee := r.amount(key).Abs()
		if fee.IsZero() {
			continue
		}
		currency, unit := r.currency(key+"_currency", key)
		if currency != account {
			r.wrong(key+"_currency", "the currency of the total, "+string(account))
		}
		sum = sum.Add(fee.Mul(unit))
	}
	return sum, account
}

// withheld returns the tax on a dividend in the account's currency, rounded to
// two decimals where the file has it in another one.
func (r *record) withheld(account backend.Currency) decimal.Decimal {
	withheld := r.amount("tax").Abs()
	if withheld.IsZero() {
		return withheld
	}
	currency, unit := r.currency("tax_currency", "tax")
	if currency == account {
		return withheld.Mul(unit)
	}
	rate := r.amount("rate")
	if !rate.IsPositive() {
		r.wrong("rate", "the rate at which the tax was converted")
		return decimal.Zero
	}
	return withheld.DivRound(rate, 2)
}

// converted is an exchange of currencies that the owner ordered.
func (r *record) converted(t Transaction) []Transaction {
	from, unit := r.currency("from_currency", "from")
	t.Currency, t.Amount = from, r.need("from").Abs().Mul(unit)
	to, unit := r.currency("to_currency", "to")
	t.ToCurrency, t.ToAmount = to, r.need("to").Abs().Mul(unit)
	return []Transaction{t}
}
