package layout

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"

	"portfolio/backend"

	"github.com/shopspring/decimal"
)

// degiro is the account statement of Degiro: every movement of cash, in the language of
// its customer. The amounts are in columns without a name, next to their currencies. The
// rows of one order have its id.
var degiro = (&table{
	name: "degiro",
	columns: map[string][]string{
		"date": {"date", "datum", "data", "fecha", "dato"},
		"time": {"time", "tijd", "uhrze", "uhrzeit", "heure", "ora", "hora", "klokkeslæt"},
		"valued": {"value date", "valutadatum", "date de valeur", "date de", "data valuta",
			"fecha valor", "data valor"},
		"name":     {"product", "produkt", "produit", "prodotto", "producto", "produto"},
		"isin":     {"isin", "code isin"},
		"text":     {"description", "omschrijving", "beschreibung", "descrizione", "descripción", "descrição"},
		"rate":     {"fx", "borsa", "borsa/fx", "tipo"},
		"currency": {"change", "mutatie", "änderung", "mouvements", "variazioni", "variación", "mudança"},
		"balance":  {"balance", "saldo", "solde"},
		"order":    {"order id", "order-id", "orderid", "id ordre", "id ordine", "id orden", "id da ordem"},
	},
	unnamed:  []string{"amount", "balance_amount"},
	required: []string{"date", "time", "name", "isin", "text", "currency", "amount"},
	order:    dayFirst,
	row:      degiroRow,
	finish:   degiroFinish,
}).indexed()

const degiroNumber = `([\d.,' ]*\d)`

var (
	degiroTrade = regexp.MustCompile(`(?i)^(?:.*: ?)?(koop|buy|kauf|achat|compra|acquisto|køb|verkoop|sell|verkauf|vente|venta|venda|vendita|salg) ` +
		degiroNumber + `(?: .*?)? ?(?:@|zu je|à|a) ?` + degiroNumber + ` ([A-Za-z]{3})\b`)
	degiroSales = regexp.MustCompile(`(?i)^(?:verkoop|sell|verkauf|vente|venta|venda|vendita|salg)$`)
)

// degiroTexts distinguish the movements other than trades; the first match wins.
var degiroTexts = []struct {
	form *regexp.Regexp
	kind backend.Kind
}{
	{regexp.MustCompile(`(?i)cash sweep|reserv|geldrekening bij flatex|flatex\w* bank|transfer (?:to|from) your cash account|geldkonto bei`), skipped},
	{regexp.MustCompile(`(?i)valuta (?:credit|debit)|fx (?:credit|debit|withdrawal)|währungswechsel|change (?:devise|crédit|débit)|cambio (?:divisa|valuta)`), exchange},
	{regexp.MustCompile(`(?i)dividendbelasting|dividend tax|dividendensteuer|imp\S* sur (?:les? )?dividende|ritenuta|retención|imposto`), tax},
	{regexp.MustCompile(`(?i)dividend|cedola|capital return|coupon`), backend.Dividend},
	{regexp.MustCompile(`(?i)transactiekosten|transaction (?:fee|and/or)|transaktionsgebühr|frais de (?:courtage|transaction)|costi di transazione|costes de transacción|comissões de transação`), backend.Fee},
	{regexp.MustCompile(`(?i)connecti(?:on|e)|aansluitingskosten|handelsmodalit|einrichtung von|frais|fee\b|kosten|gebühr|costi|costes|\badr\b|stamp duty|belasting|tax\b`), backend.Fee},
	{regexp.MustCompile(`(?i)rente|interest|zinsen|intérêt|interesse|interés|juros`), backend.Interest},
	{regexp.MustCompile(`(?i)storting|deposit|einzahlung|dépôt|versement|deposito|ingreso|opname|terugstorting|withdrawal|auszahlung|retrait|prelievo|retirada|levantamento|sofort`), bySign},
}

// skipped and exchange are kinds of movements. They never leave this package.
const (
	skipped  backend.Kind = "skipped"
	exchange backend.Kind = "exchange"
)

func degiroRow(r *record) []Transaction {
	if !r.has("date") && !r.has("text") { // the continuation of a long name
		return r.skip("the rest of the row before")
	}
	t := Transaction{Name: r.text("name"), Order: r.text("order")}
	t.Date, t.Time = r.when("date", "time")
	t.Note = r.text("text")
	if m := degiroTrade.FindStringSubmatch(r.text("text")); m != nil {
		return r.degiroTrade(t, m)
	}
	if !r.has("amount") && !r.has("currency") {
		return r.skip("no movement of cash")
	}
	kind := backend.Kind("")
	for _, text := range degiroTexts {
		if text.form.MatchString(r.text("text")) {
			kind = text.kind
			break
		}
	}
	amount := r.degiroMoney(&t)
	if t.Kind = kind; r.has("isin") && kind != bySign {
		r.security(&t)
	}
	switch kind {
	case skipped:
		return r.skip("moved between the accounts of the customer")
	case bySign:
		return r.cash(t, amount)
	case tax:
		r.tag, t.Tax = "tax", amount.Neg()
	case exchange:
		r.tag, t.Amount = "exchange", amount
	case backend.Fee:
		r.tag, t.Amount = "fee", amount.Neg()
		if t.Kind = backend.Fee; amount.IsPositive() { // a refund
			r.tag, t.Kind, t.Amount = "", backend.Interest, amount
		}
	case backend.Dividend, backend.Interest:
		t.Amount = amount
	default:
		r.wrong("text", "a trade, a dividend, a tax, a fee, interest, an exchange, a deposit or a withdrawal")
	}
	if amount.IsZero() && len(r.Problems) == 0 {
		return r.skip("no movement of cash")
	}
	return []Transaction{t}
}

// degiroTrade is a trade, of which the text has the quantity and the price.
func (r *record) degiroTrade(t Transaction, m []string) []Transaction {
	t.Kind = backend.Buy
	if degiroSales.MatchString(m[1]) {
		t.Kind = backend.Sell
	}
	r.tag = "trade"
	r.security(&t)
	quantity, price := r.parse("text", m[2]), r.parse("text", m[3])
	currency, unit, ok := backend.MajorUnit(m[4])
	if !ok {
		r.wrong("text", "a price in a currency of ISO 4217")
	}
	amount := r.degiroMoney(&t)
	if currency != t.Currency && len(r.Problems) == 0 {
		r.problem(r.columnOf("currency"), quoted(string(t.Currency)), "the currency of the price, "+string(currency))
	}
	return []Transaction{trade(t, quantity, price.Mul(unit), amount)}
}

// degiroFinish joins the rows of one order: its fee belongs to its first trade,
// and what left one currency to what came in another.
func degiroFinish(rows []*record) {
	trades := map[string]*record{}
	for _, r := range rows {
		if r.tag == "trade" && len(r.Transactions) == 1 && r.Transactions[0].Order != "" {
			if _, found := trades[r.Transactions[0].Order]; !found {
				trades[r.Transactions[0].Order] = r
			}
		}
	}
	for _, r := range rows {
		if r.tag != "fee" || len(r.Transactions) != 1 {
			continue
		}
		fee := r.Transactions[0]
		first, found := trades[fee.Order]
		if !found || fee.Order == "" {
			continue
		}
		if t := &first.Transactions[0]; t.chargeable(fee.Currency) {
			t.charge(fee)
			r.PartOf, r.Transactions = first.number, nil
		}
	}
	joinExchanges(rows)
	joinTaxes(rows, "tax", sameDay)
	identifyByOrder(rows)
}

// identifyByOrder assigns each transaction of an order an ID made of what its row
// says. Rows that look alike are counted.
func identifyByOrder(rows []*record) {
	seen := map[string]int{}
	for _, r := range rows {
		for i := range r.Transactions {
			t := &r.Transactions[i]
			if t.Order == "" {
				continue
			}
			content := sha256.Sum256([]byte(r.text("text") + "|" + r.text("currency") + "|" + r.text("amount")))
			id := t.Order + "/" + hex.EncodeToString(content[:4])
			seen[id]++
			t.BrokerID = fmt.Sprintf("%s-%d", id, seen[id])
		}
	}
}

// chargeable reports whether a fee in that currency can be added to a trade.
func (t Transaction) chargeable(c backend.Currency) bool {
	own := t.FeeCurrency
	if own == "" {
		own = t.Currency
	}
	return t.Fee.IsZero() || own == c
}

func (t *Transaction) charge(fee Transaction) {
	t.Fee = t.Fee.Add(fee.Amount)
	if fee.Currency != t.Currency {
		t.FeeCurrency = fee.Currency
	}
}

// joinExchanges makes one conversion of the two rows of an exchange: of one order
// or, without an order, of one moment.
func joinExchanges(rows []*record) {
	open := map[string]*record{}
	for _, r := range rows {
		if r.tag != "exchange" || len(r.Transactions) != 1 {
			continue
		}
		t := r.Transactions[0]
		key := t.Date.String() + "|" + t.Time.String() + "|" + t.Order
		first, found := open[key]
		if !found || first.Transactions[0].Currency == t.Currency {
			open[key] = r
			continue
		}
		delete(open, key)
		from, to := first.Transactions[0], t
		if from.Amount.IsPositive() {
			from, to = to, from
		}
		if !from.Amount.IsNegative() || !to.Amount.IsPositive() {
			continue
		}
		joined := Transaction{Order: t.Order}
		joined.Time = t.Time
		joined.Kind, joined.Date, joined.Note = backend.Conversion, t.Date, from.Note
		joined.Amount, joined.Currency = from.Amount.Neg(), from.Currency
		joined.ToAmount, joined.ToCurrency = to.Amount, to.Currency
		first.Transactions, first.tag = []Transaction{joined}, ""
		r.PartOf, r.Transactions, r.tag = first.number, nil, ""
	}
	for _, r := range rows {
		if r.tag == "exchange" && len(r.Transactions) == 1 {
			r.Transactions = nil
			r.problem(r.columnOf("text"), quoted(r.text("text")),
				"the other currency of the exchange in a row of the same order or time")
		}
	}
}

var currencyCode = regexp.MustCompile(`^[A-Za-z]{3}$`)

// degiroMoney reads what a row moved. Some years have the amount before its
// currency.
func (r *record) degiroMoney(t *Transaction) decimal.Decimal {
	code, amount := r.text("currency"), r.text("amount")
	if currencyCode.MatchString(amount) {
		code, amount = amount, code
	}
	currency, unit, ok := backend.MajorUnit(code)
	if !ok {
		r.wrong("currency", "a code of ISO 4217 such as EUR")
	}
	t.Currency = currency
	return r.parse("currency", amount).Mul(unit)
}
