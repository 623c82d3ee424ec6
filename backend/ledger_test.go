package backend

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
)

// derive fails the test if there is no ledger.
func derive(t testing.TB, policy Policy, txs []Transaction) Ledger {
	t.Helper()
	l, err := Derive(t.Context(), policy, txs, forever)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// acme returns the holding of ACME, the only one of most tests.
func acme(t testing.TB, l Ledger) Holding {
	t.Helper()
	h, found := l.Holding("ACME")
	if !found {
		t.Fatal("no holding of ACME")
	}
	return h
}

func equal(t testing.TB, what string, got decimal.Decimal, want string) {
	t.Helper()
	if !got.Equal(dec(want)) {
		t.Errorf("%s = %s, want %s", what, got, want)
	}
}

// IRS Publication 550, chapter 4, "Identification not possible", Example: 100
// shares at $10, then 200 at $11; 50 were given away, 100 bought at $9, 130
// sold. The basis of what was sold is $500 + $880 = $1,380.
func TestFIFOPublication550(t *testing.T) {
	l := derive(t, Policy{Method: FIFO}, numbered(
		buy(t, "2003-01-02", "100", "10", "0"),
		buy(t, "2004-01-02", "200", "11", "0"),
		sell(t, "2004-07-01", "50", "10", "0"), // the gift, at its basis
		buy(t, "2006-12-01", "100", "9", "0"),
		sell(t, "2022-04-01", "130", "15", "0"),
	))
	h := acme(t, l)
	equal(t, "basis of the sale", dec("1950").Sub(h.Realised), "1380")
	equal(t, "units left", h.Quantity, "220")
	equal(t, "cost left", h.Cost, "2220") // 120 at $11 and 100 at $9
	if len(h.Lots) != 2 || h.Lots[0].Opened != day(t, "2004-01-02") {
		t.Errorf("Lots = %v, want those of 2004 and 2006", h.Lots)
	}
}

// IRS Publication 564 (2009), Table 3: $4,000 invested at $25 and $4,800 at $20, a
// dividend of $300 reinvested at $30, and 210 of the 410 shares sold for $6,720. The
// basis of those is $5,000 first in, first out, and 210/410 of $9,100 on average.
func TestBasisPublication564(t *testing.T) {
	txs := numbered(
		buy(t, "2008-02-06", "160", "25", "0"),
		buy(t, "2008-08-07", "240", "20", "0"),
		buy(t, "2008-12-18", "10", "30", "0"),
		sell(t, "2009-10-01", "210", "32", "0"),
	)
	for _, test := range []struct {
		method      CostMethod
		basis, left string
	}{{FIFO, "5000", "4100"}, {Average, "4660.98", "4439.02"}} {
		h := acme(t, derive(t, Policy{Method: test.method}, txs))
		equal(t, "basis of the sale", dec("6720").Sub(h.Realised).Round(2), test.basis)
		equal(t, "cost left", h.Cost.Round(2), test.left)
		equal(t, "units left", h.Quantity, "200")
	}
}

// simplestudies.com, "Accounting for inventories", 3.1 "FIFO under perpetual
// system": 50 at $10, 100 at $12, 120 sold, 60 at $14, 70 sold; 20 are left.
func TestFIFOPerpetualInventory(t *testing.T) {
	txs := numbered(
		buy(t, "2007-01-01", "50", "10", "0"),
		buy(t, "2007-02-25", "100", "12", "0"),
		sell(t, "2007-03-03", "120", "20", "0"),
		buy(t, "2007-04-06", "60", "14", "0"),
		sell(t, "2007-05-17", "70", "25", "0"),
	)
	first := acme(t, derive(t, Policy{Method: FIFO}, txs[:3]))
	equal(t, "cost of the first sale", dec("2400").Sub(first.Realised), "1340")
	both := acme(t, derive(t, Policy{Method: FIFO}, txs))
	equal(t, "cost of the second sale", dec("1750").Sub(both.Realised.Sub(first.Realised)), "920")
	equal(t, "cost left", both.Cost, "280")
}

// HMRC helpsheet HS284 (2024), Example 3, Lobster plc. HMRC rounds each step to
// whole pounds: pools of £4,150, £6,280, £3,349 and £1,674, gains of £329 and £300.
func TestAverageHS284Example3(t *testing.T) {
	txs := numbered(
		buy(t, "2015-04-01", "1000", "4", "150"),
		buy(t, "2018-09-01", "500", "4.10", "80"),
		sell(t, "2023-05-01", "700", "4.80", "100"),
		sell(t, "2024-02-01", "400", "5.20", "105"),
	)
	realised := decimal.Zero
	for i, want := range []struct{ units, pool, gain string }{
		{"1000", "4150", "0"}, {"1500", "6280", "0"}, {"800", "3349", "329"}, {"400", "1675", "300"},
	} {
		h := acme(t, derive(t, Policy{Method: Average}, txs[:i+1]))
		equal(t, "units", h.Quantity, want.units)
		equal(t, "gain", h.Realised.Sub(realised).Round(0), want.gain)
		// HMRC rounds the last deduction up, so that its last pool is £1,674.
		equal(t, "pool", h.Cost.Round(0), want.pool)
		realised = h.Realised
	}
}

func TestShortsCloseOldestFirst(t *testing.T) {
	txs := numbered(
		sell(t, "2026-01-02", "10", "20", "1"), // proceeds 199
		sell(t, "2026-01-03", "10", "30", "0"), // proceeds 300
		buy(t, "2026-01-04", "25", "10", "5"),  // closes both for 204, opens 5 for 51
	)
	l := derive(t, Policy{Method: FIFO, AllowShorts: true}, txs)
	h := acme(t, l)
	equal(t, "units", h.Quantity, "5")
	equal(t, "cost", h.Cost, "51")
	equal(t, "realised", h.Realised, "295")
	equal(t, "cash", l.Cash["EUR"], "244")
}

func TestDeriveReportsEveryEntry(t *testing.T) {
	txs := numbered(
		buy(t, "2026-01-02", "10", "1", "0"),
		sell(t, "2026-01-03", "11", "1", "0"),
		sell(t, "2026-01-04", "10", "1", "0"),
		sell(t, "2026-01-05", "1", "1", "0"),
		buy(t, "2026-01-06", "1", "1", "0"),
		buy(t, "2026-01-07", "0", "-1", "0"),
	)
	txs[4].Currency = "USD"
	_, err := Derive(t.Context(), Policy{Method: FIFO}, txs, forever)
	for _, want := range []string{
		"b of 2026-01-03: quantity: got 11, want at most the 10 held",
		"d of 2026-01-05: quantity: got 1, want at most the 0 held",
		"e of 2026-01-06: currency: got USD, want EUR as in the first trade of ACME",
		"f of 2026-01-07: quantity: got 0, want more than 0; price: got -1, want 0 or more",
	} {
		if err == nil || !strings.Contains(err.Error()+"\n", want+"\n") {
			t.Errorf("Derive() = %v, want %q in it", err, want)
		}
	}
	var coded *Error
	if !errors.As(err, &coded) || coded.Code != CodeOversold {
		t.Errorf("Derive() = %v, want the code %s first", err, CodeOversold)
	}
	if _, err := Derive(t.Context(), Policy{Method: FIFO}, txs, day(t, "2026-01-02")); err != nil {
		t.Errorf("Derive(before the wrong entries) = %v, want nil", err)
	}
	if _, err := Derive(t.Context(), Policy{}, nil, forever); err == nil {
		t.Error("Derive without a method = nil, want an error")
	}
}

func TestShortsAreNamedInProblems(t *testing.T) {
	sale := Transaction{ID: "sale", Sequence: 1, Kind: Sell, Date: day(t, "2026-01-02"), Symbol: "ACME", Currency: "EUR",
		Quantity: dec("2"), Price: dec("5")}
	for want, tx := range map[string]Transaction{
		"quantity: got 1, want at most the 0 held":                 {Kind: TransferOut, Quantity: dec("1")},
		"amount: got 1, want none for a symbol that is held short": {Kind: Split, Ratio: Ratio{1, 4}, Amount: dec("1"), Currency: "EUR"},
	} {
		tx.ID, tx.Sequence, tx.Date, tx.Symbol = "next", 2, sale.Date+1, sale.Symbol
		_, err := Derive(t.Context(), Policy{Method: FIFO, AllowShorts: true}, []Transaction{sale, tx}, forever)
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s of a short: got %v, want %s", tx.Kind, err, want)
		}
	}
}

func TestCashIncomeAndFees(t *testing.T) {
	dividend := money(t, Dividend, "2026-01-04", "7", "1.05")
	dividend.Currency = "USD"
	l := derive(t, Policy{Method: FIFO}, numbered(
		money(t, Deposit, "2026-01-02", "1000", "2"),
		buy(t, "2026-01-03", "3", "100", "1"),
		dividend,
		money(t, Interest, "2026-01-05", "0.5", "0"),
		money(t, Fee, "2026-01-06", "4", "0"),
		money(t, Withdrawal, "2026-01-07", "50", "0.5"),
	))
	equal(t, "EUR", l.Cash["EUR"], "643")
	equal(t, "USD", l.Cash["USD"], "5.95")
	equal(t, "income in EUR", l.Income["EUR"], "0.5")
	equal(t, "income in USD", l.Income["USD"], "7")
	equal(t, "fees in EUR", l.Fees["EUR"], "6.5")
	equal(t, "fees in USD", l.Fees["USD"], "1.05")
	equal(t, "income of ACME", acme(t, l).Income["USD"], "7")
	if got := l.Currencies(); !slices.Equal(got, []Currency{"EUR", "USD"}) {
		t.Errorf("Currencies() = %v, want EUR and USD", got)
	}
}

// Of two purchases of one day, the one recorded first is sold first; those recorded
// together are ordered by ID.
func TestOrderOfRecordingPicksLots(t *testing.T) {
	for _, test := range []struct {
		cheap, dear Transaction // what identifies them
		want        string
	}{
		{Transaction{ID: "b", Sequence: 1}, Transaction{ID: "a", Sequence: 2}, "10"},
		{Transaction{ID: "a", Sequence: 2}, Transaction{ID: "b", Sequence: 1}, "5"},
		{Transaction{ID: "a", Sequence: 1}, Transaction{ID: "b", Sequence: 1}, "10"},
		{Transaction{ID: "b", Sequence: 1}, Transaction{ID: "a", Sequence: 1}, "5"},
	} {
		cheap, dear := buy(t, "2026-01-02", "1", "10", "0"), buy(t, "2026-01-02", "1", "15", "0")
		cheap.ID, cheap.Sequence = test.cheap.ID, test.cheap.Sequence
		dear.ID, dear.Sequence = test.dear.ID, test.dear.Sequence
		closing := sell(t, "2026-01-02", "1", "20", "0")
		h := acme(t, derive(t, Policy{Method: FIFO}, []Transaction{closing, dear, cheap}))
		equal(t, "realised", h.Realised, test.want)
	}
}

func TestSplitPrecedesTradesOfItsDay(t *testing.T) {
	h := acme(t, derive(t, Policy{Method: FIFO}, numbered(
		sell(t, "2026-02-02", "20", "5", "0"), // in new units
		split(t, "2026-02-02", Ratio{New: 2, Old: 1}),
		buy(t, "2026-01-02", "10", "8", "0"),
	)))
	equal(t, "units", h.Quantity, "0")
	equal(t, "realised", h.Realised, "20")
}

func TestSplitRoundingIgnoresNumberOfLots(t *testing.T) {
	one := numbered(buy(t, "2026-01-02", "10", "1", "0"), split(t, "2026-02-02", Ratio{New: 1, Old: 3}))
	two := numbered(buy(t, "2026-01-02", "5", "1", "0"), buy(t, "2026-01-03", "5", "1", "0"),
		split(t, "2026-02-02", Ratio{New: 1, Old: 3}))
	for _, txs := range [][]Transaction{one, two} {
		h := acme(t, derive(t, Policy{Method: FIFO}, txs))
		held := decimal.Zero
		for _, lot := range h.Lots {
			held = held.Add(lot.Quantity)
		}
		equal(t, "units", h.Quantity, "3.333333333333333333")
		equal(t, "units in lots", held, "3.333333333333333333")
		equal(t, "cost", h.Cost, "10")
	}
}

// Returns of capital between purchases make long fractions, but the cost stays exact.
func TestManyReturnsOfCapital(t *testing.T) {
	var txs []Transaction
	first, cost := NewDate(2026, 1, 1), decimal.Zero
	for i := range 12 {
		buy := Transaction{Kind: Buy, Date: first + Date(2*i), Symbol: "ACME", Currency: "EUR",
			Quantity: dec("3.000000000000000001").Add(decimal.NewFromInt(int64(i))), Price: dec("7.100000000000000003")}
		back := Transaction{Kind: ReturnOfCapital, Date: buy.Date + 1, Symbol: "ACME", Amount: dec("1.37"), Currency: "EUR"}
		txs, cost = append(txs, buy, back), cost.Add(buy.Settled()).Sub(back.Amount)
	}
	for i := range txs {
		txs[i].ID, txs[i].Sequence = fmt.Sprint(i), int64(i+1)
	}
	for _, method := range []CostMethod{FIFO, LIFO, HIFO, Average} {
		h := acme(t, derive(t, Policy{Method: method}, txs))
		equal(t, "cost", h.Cost, cost.String())
		equal(t, "realised", h.Realised, "0")
	}
}

func TestLedgerJSONWhenEmpty(t *testing.T) {
	got, err := json.Marshal(derive(t, Policy{Method: FIFO}, nil))
	if err != nil || !strings.Contains(string(got), `"holdings":[],"cash":{},"income":{},"fees":{},"taxes":{}`) {
		t.Errorf("json.Marshal(Ledger) = %s, %v, want empty lists, not null", got, err)
	}
}
