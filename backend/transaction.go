package backend

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/shopspring/decimal"
)

// Kind says what a transaction does.
type Kind string

// The kinds of transactions.
const (
	Buy        Kind = "BUY"
	Sell       Kind = "SELL"
	Dividend   Kind = "DIVIDEND"
	Interest   Kind = "INTEREST"
	Fee        Kind = "FEE"
	Deposit    Kind = "DEPOSIT"
	Withdrawal Kind = "WITHDRAWAL"
	Split      Kind = "SPLIT"
)

// The turn of each kind within a day. A split holds from the opening, so trades
// of its day are in new units; money and units come before they go.
var turns = map[Kind]int{
	Split: 1, Deposit: 2, Dividend: 3, Interest: 4, Buy: 5, Sell: 6, Fee: 7, Withdrawal: 8,
}

// Limits of the texts and of the terms of a split.
const (
	MaxNote      = 1000 // characters
	MaxSplitTerm = 1_000_000
)

// Ratio is that of a split: Old units become New units. Two for one is {2, 1}.
type Ratio struct {
	New int64 `json:"new"`
	Old int64 `json:"old"`
}

// Transaction is one entry of a portfolio. Everything else is derived from these.
type Transaction struct {
	ID       string `json:"id"`       // unique in the portfolio
	Sequence int64  `json:"sequence"` // order of recording; decides among entries of one day and kind
	Kind     Kind   `json:"kind"`
	Date     Date   `json:"date"`

	// Symbol is what is traded, split or pays; it may also name what a FEE or an
	// INTEREST is about.
	Symbol   string          `json:"symbol,omitempty"`
	Quantity decimal.Decimal `json:"quantity"` // units, BUY and SELL
	Price    decimal.Decimal `json:"price"`    // currency per unit, BUY and SELL; 0 is a gift
	Amount   decimal.Decimal `json:"amount"`   // currency, before Fee; the kinds that move money alone
	Currency Currency        `json:"currency,omitempty"`
	Fee      decimal.Decimal `json:"fee"`   // currency, on top; not with FEE and SPLIT
	Ratio    Ratio           `json:"ratio"` // SPLIT
	Note     string          `json:"note,omitempty"`
}

// Validate reports every problem of the transaction by itself: a FieldError
// each, joined. Whether there is enough to sell is for Derive to say.
func (t Transaction) Validate() error {
	var p problems
	if turns[t.Kind] == 0 {
		p.add("kind", fmt.Sprintf("%.16q", t.Kind),
			"BUY, SELL, DIVIDEND, INTEREST, FEE, DEPOSIT, WITHDRAWAL or SPLIT")
	}
	if t.Date < 1 {
		p.add("date", "none", "a day such as 2026-02-28")
	}
	if utf8.RuneCountInString(t.Note) > MaxNote || !utf8.ValidString(t.Note) {
		p.add("note", strconv.Itoa(len(t.Note))+" bytes", fmt.Sprintf("at most %d characters of UTF-8", MaxNote))
	}
	if strings.ContainsRune(t.Note, 0) { // PostgreSQL's text has none
		p.add("note", "a NUL character", "none")
	}
	t.validateSymbol(&p)
	switch t.Kind {
	case Split:
		t.validateSplit(&p)
	case Buy, Sell:
		p.number("quantity", t.Quantity, true)
		p.number("price", t.Price, false)
		p.number("fee", t.Fee, false)
		p.absent("amount", t.Amount, t.Kind)
	case Dividend, Interest, Deposit, Withdrawal, Fee:
		p.number("amount", t.Amount, true)
		p.absent("quantity", t.Quantity, t.Kind)
		p.absent("price", t.Price, t.Kind)
		if t.Kind == Fee {
			p.absent("fee", t.Fee, t.Kind)
		} else {
			p.number("fee", t.Fee, false)
		}
	}
	if t.Kind != Split {
		p.currency("currency", t.Currency)
		if t.Ratio != (Ratio{}) {
			p.add("ratio", "a value", "none but with SPLIT")
		}
	}
	return p.err()
}

func (t Transaction) validateSymbol(p *problems) {
	switch t.Kind {
	case Deposit, Withdrawal:
		if t.Symbol != "" {
			p.add("symbol", "a value", fmt.Sprintf("none with %s", t.Kind))
		}
		return
	case Fee, Interest:
		if t.Symbol == "" {
			return
		}
	}
	p.symbol(t.Symbol)
}

func (t Transaction) validateSplit(p *problems) {
	if t.Ratio.New < 1 || t.Ratio.New > MaxSplitTerm || t.Ratio.Old < 1 || t.Ratio.Old > MaxSplitTerm {
		p.add("ratio", fmt.Sprintf("%d for %d", t.Ratio.New, t.Ratio.Old),
			fmt.Sprintf("both terms 1–%d", MaxSplitTerm))
	}
	for _, d := range []struct {
		path  string
		value decimal.Decimal
	}{{"quantity", t.Quantity}, {"price", t.Price}, {"amount", t.Amount}, {"fee", t.Fee}} {
		p.absent(d.path, d.value, Split)
	}
	if t.Currency != "" {
		p.add("currency", fmt.Sprintf("%.8q", t.Currency), "none with SPLIT")
	}
}

// Compare orders transactions as they take effect: by date, within a day by
// kind (a split first, what comes before what goes), then by Sequence and ID.
// No two entries of a portfolio are equal, so the order is the same always.
func (t Transaction) Compare(other Transaction) int {
	return cmp.Or(
		cmp.Compare(t.Date, other.Date),
		cmp.Compare(turns[t.Kind], turns[other.Kind]),
		cmp.Compare(t.Sequence, other.Sequence),
		cmp.Compare(t.ID, other.ID),
	)
}
