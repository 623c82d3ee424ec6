package layout

import (
	"fmt"
	"slices"
	"strings"

	"portfolio/backend"

	"github.com/shopspring/decimal"
)

// has reports whether the row has something in a column.
func (r *record) has(key string) bool { return r.text(key) != "" }

// text returns the cell of a column, "" if the file lacks the column.
func (r *record) text(key string) string {
	i, found := r.at[key]
	if !found || i >= len(r.cells) {
		return ""
	}
	return strings.TrimSpace(r.cells[i])
}

// problem reports what is wrong with the row, once.
func (r *record) problem(column, got, want string) {
	if p := (Problem{Column: column, Got: got, Want: want}); !slices.Contains(r.Problems, p) {
		r.Problems = append(r.Problems, p)
	}
}

// wrong reports what a column holds as a problem.
func (r *record) wrong(key, want string) {
	got := "nothing"
	if text := r.text(key); text != "" {
		got = quoted(text)
	}
	r.problem(r.columnOf(key), got, want)
}

func quoted(text string) string { return fmt.Sprintf("%.40q", text) }

// amount reads a number; an empty cell and those that say "none" are 0.
func (r *record) amount(key string) decimal.Decimal {
	switch text := r.text(key); strings.ToLower(text) {
	case "", "-", "--", "n/a", "not available":
		return decimal.Zero
	default:
		return r.parse(key, text)
	}
}

// need reads a number that has to be there.
func (r *record) need(key string) decimal.Decimal {
	if !r.has(key) {
		r.wrong(key, "a number")
		return decimal.Zero
	}
	return r.parse(key, r.text(key))
}

// parse reads a number from a part of a column.
func (r *record) parse(key, text string) decimal.Decimal {
	d, want := r.in.number(text)
	if want != "" {
		r.problem(r.columnOf(key), quoted(text), want)
	}
	return d
}

// when reads the day of a row, and its time of day from the same column or
// from another one.
func (r *record) when(dateKey, timeKey string) (backend.Date, backend.Clock) {
	text := r.text(dateKey)
	if at := r.text(timeKey); timeKey != "" && at != "" {
		text += " " + at
	}
	day, at, want := r.in.moment(text)
	if want != "" {
		r.wrong(dateKey, want)
	}
	return day, at
}

// currency reads a currency and what one unit of it is: 0.01 for pence. An empty
// cell is the currency that the header of the column of money names.
func (r *record) currency(key, money string) (backend.Currency, decimal.Decimal) {
	code := r.text(key)
	if code == "" {
		code = r.money[money]
	}
	currency, unit, ok := backend.MajorUnit(code)
	if !ok {
		if currency, unit, ok = backend.MajorUnit(strings.ToUpper(code)); !ok {
			r.wrong(key, "a code of ISO 4217 such as EUR, or GBX, ILA or ZAc")
		}
	}
	return currency, unit
}

// skip marks a row that becomes nothing.
func (r *record) skip(why string) []Transaction {
	r.Skipped = why
	return nil
}

// security sets what the row says about what was traded. The ISIN is used if
// the file has no symbol.
func (r *record) security(t *Transaction) {
	t.ISIN, t.Name = strings.ToUpper(r.text("isin")), r.text("name")
	if t.Symbol = symbol(r.text("symbol")); t.Symbol == "" {
		t.Symbol = t.ISIN
	}
	if t.Symbol == "" {
		key := "symbol"
		if _, found := r.at[key]; !found {
			key = "isin"
		}
		r.wrong(key, "a symbol or an ISIN")
	}
}

// symbol writes a symbol as transactions do.
func symbol(text string) string {
	return strings.ToUpper(strings.Join(strings.Fields(text), " "))
}

// trade completes a purchase or a sale from its quantity, price and total. A
// negative quantity is a sale. The total is kept where it differs from quantity
// times price, which the broker rounded.
func trade(t Transaction, quantity, price, gross decimal.Decimal) Transaction {
	if quantity.IsNegative() {
		t.Kind = backend.Sell
	}
	t.Quantity, t.Price = quantity.Abs(), price
	gross = gross.Abs()
	if t.Price.IsZero() && !t.Quantity.IsZero() && !gross.IsZero() {
		t.Price = gross.DivRound(t.Quantity, backend.MaxDecimals)
	}
	if !gross.IsZero() && !t.Quantity.Mul(t.Price).Equal(gross) {
		t.Amount = gross
	}
	return t
}
