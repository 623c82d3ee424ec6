package backend

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/shopspring/decimal"
)

// Member is a part of a transaction that only some kinds have.
type Member uint32

// The members, as JSON and CSV name them.
const (
	HasSymbol       Member = 1 << iota // symbol
	HasQuantity                        // quantity
	HasPrice                           // price
	HasAmount                          // amount
	HasCurrency                        // currency
	HasFee                             // fee and fee_currency
	HasTax                             // tax
	HasRatio                           // ratio
	HasTo                              // to_amount and to_currency
	HasAcquired                        // acquired
	HasToSymbol                        // to_symbol
	HasCostFraction                    // cost_fraction
	HasLots                            // lots
	HasTransfer                        // transfer
)

// members has the members that entries of each kind must and may have.
var members = map[Kind]struct{ must, may Member }{
	Buy:             {HasSymbol | HasQuantity | HasPrice | HasCurrency, HasAmount | HasFee | HasTax},
	Sell:            {HasSymbol | HasQuantity | HasPrice | HasCurrency, HasAmount | HasFee | HasTax | HasLots},
	Dividend:        {HasSymbol | HasAmount | HasCurrency, HasFee | HasTax},
	Interest:        {HasAmount | HasCurrency, HasSymbol | HasFee | HasTax},
	Fee:             {HasAmount | HasCurrency, HasSymbol},
	Deposit:         {HasAmount | HasCurrency, HasFee},
	Withdrawal:      {HasAmount | HasCurrency, HasFee},
	Conversion:      {HasAmount | HasCurrency | HasTo, HasFee},
	TransferIn:      {HasSymbol | HasQuantity | HasCurrency, HasAmount | HasAcquired | HasTransfer},
	TransferOut:     {HasSymbol | HasQuantity, HasLots | HasTransfer},
	ReturnOfCapital: {HasSymbol | HasAmount | HasCurrency, HasFee},
	Split:           {HasSymbol | HasRatio, HasAmount | HasCurrency},
	SpinOff:         {HasSymbol | HasToSymbol | HasRatio, HasCostFraction},
	Merger:          {HasSymbol | HasToSymbol | HasRatio, HasAmount | HasCurrency},
}

// anyKind has the members that are checked if the kind itself is wrong.
var anyKind = struct{ must, may Member }{HasCurrency, ^Member(0)}

// Kinds are all kinds, in the order in which messages list them.
var Kinds = []Kind{Buy, Sell, Dividend, Interest, Fee, Deposit, Withdrawal, Conversion,
	TransferIn, TransferOut, ReturnOfCapital, Split, SpinOff, Merger}

// Has reports whether entries of a kind may have a member.
func (k Kind) Has(m Member) bool { return (members[k].must|members[k].may)&m != 0 }

// Needs reports whether entries of a kind must have a member.
func (k Kind) Needs(m Member) bool { return members[k].must&m != 0 }

// The amount of a trade may differ from quantity times price by half a percent or a
// cent: enough for the rounding of brokers, too little for a typing error.
var (
	amountTolerance = decimal.New(5, -3)
	amountCent      = decimal.New(1, -2)
)

// Validate returns all problems of the transaction itself, joined: a FieldError each.
// Derive reports conflicts with other entries.
func (t Transaction) Validate() error {
	var p problems
	if !slices.Contains(Kinds, t.Kind) {
		p.add("kind", fmt.Sprintf("%.24q", t.Kind), "one of "+kindList())
	}
	if t.Date < 1 {
		p.add("date", "none", "a day such as 2026-02-28")
	}
	if t.Time < 0 || t.Time >= endOfDay {
		p.add("time", strconv.Itoa(int(t.Time)), clockForm)
	}
	if n := utf8.RuneCountInString(t.Note); n > MaxNote || !utf8.ValidString(t.Note) {
		p.add("note", fmt.Sprintf("%d characters", n), fmt.Sprintf("at most %d characters of UTF-8", MaxNote))
	}
	if strings.ContainsRune(t.Note, 0) { // which PostgreSQL's text cannot have
		p.add("note", "a NUL character", "none")
	}
	t.validateSymbols(&p)
	t.validateNumbers(&p)
	t.validateCurrencies(&p)
	t.validateRest(&p)
	return p.err()
}

// ValidateDates returns all problems of dates that cannot be recorded on a day, the
// portfolio's today, joined: a FieldError each. Validate has the others.
func (t Transaction) ValidateDates(today Date) error {
	all := []error{t.Date.ValidateRange("date", today), t.Acquired.ValidateRange("acquired", today)}
	for i, choice := range t.Lots {
		all = append(all, choice.Date.ValidateRange(fmt.Sprintf("lots[%d].date", i), today))
	}
	return errors.Join(all...)
}

func kindList() string {
	names := make([]string, len(Kinds))
	for i, k := range Kinds {
		names[i] = string(k)
	}
	return strings.Join(names, ", ")
}

// given checks whether the kind may have or must have a member. It reports whether
// there is a value to check.
func (p *problems) given(t Transaction, m Member, path string, there bool) bool {
	rule, known := members[t.Kind]
	if !known {
		rule = anyKind
	}
	if there && (rule.must|rule.may)&m == 0 {
		p.add(path, "a value", fmt.Sprintf("none with %s", t.Kind))
		return false
	}
	return there || rule.must&m != 0
}

func (t Transaction) validateSymbols(p *problems) {
	if p.given(t, HasSymbol, "symbol", t.Symbol != "") {
		p.symbol("symbol", t.Symbol)
	}
	if p.given(t, HasToSymbol, "to_symbol", t.ToSymbol != "") {
		if p.symbol("to_symbol", t.ToSymbol); t.ToSymbol == t.Symbol {
			p.add("to_symbol", fmt.Sprintf("%.40q", t.ToSymbol), "a symbol other than symbol")
		}
	}
}

func (t Transaction) validateCurrencies(p *problems) {
	money := (t.Kind == Split || t.Kind == Merger) && !t.Amount.IsZero()
	if p.given(t, HasCurrency, "currency", t.Currency != "") || money {
		p.currency("currency", t.Currency)
	}
	if (t.Kind == Split || t.Kind == Merger) && t.Currency != "" && t.Amount.IsZero() {
		p.add("amount", "none", "an amount, or no currency")
	}
	if p.given(t, HasFee, "fee_currency", t.FeeCurrency != "") {
		if t.FeeCurrency != "" {
			p.currency("fee_currency", t.FeeCurrency)
		}
	}
	if p.given(t, HasTo, "to_currency", t.ToCurrency != "") {
		if p.currency("to_currency", t.ToCurrency); t.ToCurrency == t.Currency {
			p.add("to_currency", fmt.Sprintf("%.8q", t.ToCurrency), "a currency other than that of amount")
		}
	}
	if p.given(t, HasTransfer, "transfer", t.Transfer != "") && len(t.Transfer) > 64 {
		p.add("transfer", fmt.Sprintf("%d bytes", len(t.Transfer)), "at most 64")
	}
}

func (t Transaction) validateNumbers(p *problems) {
	if p.given(t, HasQuantity, "quantity", !t.Quantity.IsZero()) {
		p.number("quantity", t.Quantity, true)
	}
	if p.given(t, HasPrice, "price", !t.Price.IsZero()) {
		p.number("price", t.Price, false)
	}
	if p.given(t, HasAmount, "amount", !t.Amount.IsZero()) {
		t.validateAmount(p)
	}
	if p.given(t, HasFee, "fee", !t.Fee.IsZero()) {
		p.number("fee", t.Fee, false)
	}
	if p.given(t, HasTax, "tax", !t.Tax.IsZero()) {
		p.number("tax", t.Tax, false)
	}
	if p.given(t, HasTo, "to_amount", !t.ToAmount.IsZero()) {
		p.number("to_amount", t.ToAmount, true)
	}
	if p.given(t, HasCostFraction, "cost_fraction", !t.CostFraction.IsZero()) {
		if p.number("cost_fraction", t.CostFraction, false); t.CostFraction.GreaterThan(decimal.NewFromInt(1)) {
			p.add("cost_fraction", t.CostFraction.String(), "at most 1")
		}
	}
}

func (t Transaction) validateAmount(p *problems) {
	switch t.Kind {
	case Interest:
		if !bounded(t.Amount) {
			p.number("amount", t.Amount, false)
		} else if t.Amount.IsZero() {
			p.add("amount", "0", "more than 0 for interest received, less for interest paid")
		}
	case Buy, Sell:
		p.number("amount", t.Amount, true)
		if !bounded(t.Amount) || !bounded(t.Quantity) || !bounded(t.Price) {
			return
		}
		expected := t.Quantity.Mul(t.Price)
		off := t.Amount.Sub(expected).Abs()
		if off.GreaterThan(amountCent) && off.GreaterThan(expected.Abs().Mul(amountTolerance)) {
			p.add("amount", t.Amount.String(), fmt.Sprintf("quantity × price, %s, within 0.5 %% or 0.01", expected))
		}
	default:
		p.number("amount", t.Amount, t.Kind != TransferIn)
	}
}

func (t Transaction) validateRest(p *problems) {
	if p.given(t, HasRatio, "ratio", t.Ratio != (Ratio{})) &&
		(t.Ratio.New < 1 || t.Ratio.New > MaxSplitTerm || t.Ratio.Old < 1 || t.Ratio.Old > MaxSplitTerm) {
		p.add("ratio", fmt.Sprintf("%d for %d", t.Ratio.New, t.Ratio.Old), fmt.Sprintf("both terms 1–%d", MaxSplitTerm))
	}
	if p.given(t, HasAcquired, "acquired", t.Acquired != 0) && (t.Acquired < 0 || t.Acquired > t.Date) {
		p.add("acquired", t.Acquired.String(), "a day up to date")
	}
	if p.given(t, HasLots, "lots", len(t.Lots) > 0) {
		t.validateLots(p)
	}
}

func (t Transaction) validateLots(p *problems) {
	if len(t.Lots) > MaxLots {
		p.add("lots", strconv.Itoa(len(t.Lots)), fmt.Sprintf("at most %d", MaxLots))
		return
	}
	sum, sound := decimal.Zero, true
	for i, choice := range t.Lots {
		if choice.Date < 1 || choice.Date > t.Date {
			p.add(fmt.Sprintf("lots[%d].date", i), choice.Date.String(), "a day up to date")
		}
		p.number(fmt.Sprintf("lots[%d].quantity", i), choice.Quantity, true)
		if sound = sound && bounded(choice.Quantity) && choice.Quantity.IsPositive(); sound {
			sum = sum.Add(choice.Quantity)
		}
	}
	if sound && !sum.Equal(t.Quantity) {
		p.add("lots", sum.String()+" units", fmt.Sprintf("the quantity, %s", t.Quantity))
	}
}
