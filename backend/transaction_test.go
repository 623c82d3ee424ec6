package backend

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
)

func dec(text string) decimal.Decimal { return decimal.RequireFromString(text) }

func buy(t testing.TB, date, quantity, price, fee string) Transaction {
	return Transaction{Kind: Buy, Date: day(t, date), Symbol: "ACME", Currency: "EUR",
		Quantity: dec(quantity), Price: dec(price), Fee: dec(fee)}
}

func sell(t testing.TB, date, quantity, price, fee string) Transaction {
	tx := buy(t, date, quantity, price, fee)
	tx.Kind = Sell
	return tx
}

func split(t testing.TB, date string, ratio Ratio) Transaction {
	return Transaction{Kind: Split, Date: day(t, date), Symbol: "ACME", Ratio: ratio}
}

func money(t testing.TB, kind Kind, date, amount, fee string) Transaction {
	tx := Transaction{Kind: kind, Date: day(t, date), Currency: "EUR", Amount: dec(amount), Fee: dec(fee)}
	if kind == Dividend {
		tx.Symbol = "ACME"
	}
	return tx
}

// numbered returns entries with ids and sequences as a store would assign them.
func numbered(txs ...Transaction) []Transaction {
	for i := range txs {
		txs[i].Sequence = int64(i + 1)
		txs[i].ID = string(rune('a'+i%26)) + strings.Repeat("z", i/26)
	}
	return txs
}

// paths returns the fields that an error of Validate is about.
func paths(err error) []string {
	if err == nil {
		return nil
	}
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return []string{err.Error()}
	}
	var found []string
	for _, one := range joined.Unwrap() {
		var field *FieldError
		if errors.As(one, &field) {
			found = append(found, field.Path)
		}
	}
	slices.Sort(found)
	return found
}

func TestValidateAccepts(t *testing.T) {
	for _, tx := range []Transaction{
		buy(t, "2026-01-02", "0.000000000000000001", "0", "0"),
		sell(t, "2026-01-02", "999999999999999999", "1.5", "0.99"),
		split(t, "2026-01-02", Ratio{New: 1, Old: 20}),
		money(t, Dividend, "2026-01-02", "3", "0.45"),
		money(t, Interest, "2026-01-02", "3", "0"),
		money(t, Fee, "2026-01-02", "3", "0"),
		money(t, Deposit, "2026-01-02", "3", "0"),
		money(t, Withdrawal, "2026-01-02", "3", "1"),
	} {
		if err := tx.Validate(); err != nil {
			t.Errorf("%s: Validate() = %v, want nil", tx.Kind, err)
		}
	}
}

func TestValidateReportsEveryProblem(t *testing.T) {
	good := func(kind Kind) Transaction {
		if kind == Buy {
			return buy(t, "2026-01-02", "1", "1", "0")
		}
		if kind == Split {
			return split(t, "2026-01-02", Ratio{New: 2, Old: 1})
		}
		return money(t, kind, "2026-01-02", "1", "0")
	}
	for _, test := range []struct {
		name string
		kind Kind
		edit func(*Transaction)
		want []string
	}{
		{"no members", Buy, func(x *Transaction) { *x = Transaction{} }, []string{"currency", "date", "kind"}},
		{"every number of a trade", Buy, func(x *Transaction) {
			x.Quantity, x.Price, x.Fee, x.Amount = dec("0"), dec("-1"), dec("-1"), dec("1")
		}, []string{"amount", "fee", "price", "quantity"}},
		{"hostile exponents", Buy, func(x *Transaction) {
			x.Quantity, x.Price = decimal.New(1, 999_999_999), decimal.New(1, -999_999_999)
		}, []string{"price", "quantity"}},
		{"one digit too many", Buy, func(x *Transaction) {
			x.Quantity, x.Price = dec("1000000000000000000"), dec("0.0000000000000000001")
		}, []string{"price", "quantity"}},
		{"texts", Buy, func(x *Transaction) {
			x.Symbol, x.Note, x.Currency = "BRK ", strings.Repeat("é", MaxNote+1), "euro"
		}, []string{"currency", "note", "symbol"}},
		{"not UTF-8", Buy, func(x *Transaction) { x.Note = "\xff" }, []string{"note"}},
		{"a NUL", Buy, func(x *Transaction) { x.Note = "a\x00b" }, []string{"note"}},
		{"a ratio elsewhere", Deposit, func(x *Transaction) { x.Ratio.New = 2 }, []string{"ratio"}},
		{"a split with money", Split, func(x *Transaction) {
			x.Ratio.Old, x.Currency, x.Fee, x.Amount = 0, "EUR", dec("1"), dec("1")
		}, []string{"fee", "ratio"}},
		{"a deposit of units", Deposit, func(x *Transaction) {
			x.Symbol, x.Quantity, x.Price, x.Amount = "ACME", dec("1"), dec("1"), dec("-5")
		}, []string{"amount", "price", "quantity", "symbol"}},
		{"a fee on a fee", Fee, func(x *Transaction) { x.Fee = dec("1") }, []string{"fee"}},
		{"a dividend of nothing", Dividend, func(x *Transaction) { x.Symbol = "" }, []string{"symbol"}},
	} {
		tx := good(test.kind)
		test.edit(&tx)
		if got := paths(tx.Validate()); !slices.Equal(got, test.want) {
			t.Errorf("%s: Validate() is about %q, want %q", test.name, got, test.want)
		}
	}
}

func TestTransactionJSONKeepsDecimals(t *testing.T) {
	text := `{"id":"a","sequence":1,"kind":"BUY","date":"2026-01-02","symbol":"ACME","quantity":"0.100000000001",` +
		`"price":"123456789012345678.1","amount":"0","currency":"EUR","fee":"0.1","ratio":{"new":0,"old":0}}`
	var tx Transaction
	if err := json.Unmarshal([]byte(text), &tx); err != nil {
		t.Fatal(err)
	}
	if got, err := json.Marshal(tx); err != nil || string(got) != text {
		t.Errorf("json.Marshal(tx) = %s, %v, want %s", got, err, text)
	}
}
