package backend

import (
	"context"
	"strings"
	"testing"
	"time"
)

var fifo = Policy{Method: FIFO}

func TestReversedSplitChangesNothing(t *testing.T) {
	for _, units := range []string{"119", "10"} {
		txs := numbered(
			buy(t, "2026-01-02", units, "3", "0"),
			split(t, "2026-01-03", Ratio{New: 1, Old: 3}), split(t, "2026-01-04", Ratio{New: 3, Old: 1}),
			sell(t, "2026-01-05", units, "3", "0"))
		h := acme(t, derive(t, fifo, txs[:3]))
		equal(t, "units", h.Quantity, units)
		equal(t, "units of the lot", h.Lots[0].Quantity, units)
		h = acme(t, derive(t, fifo, txs))
		equal(t, "units after the sale", h.Quantity, "0")
		equal(t, "cost after the sale", h.Cost, "0")
		equal(t, "realised", h.Realised, "0")
	}
}

func TestSaleOfAllShownUnitsSellsAll(t *testing.T) {
	h := acme(t, derive(t, fifo, numbered(
		buy(t, "2026-01-02", "10", "3", "0"), split(t, "2026-01-03", Ratio{New: 1, Old: 3}),
		sell(t, "2026-01-04", "3.333333333333333333", "9", "0"))))
	equal(t, "units", h.Quantity, "0")
	equal(t, "cost", h.Cost, "0")
}

func TestCashInLieu(t *testing.T) {
	reverse := split(t, "2026-01-03", Ratio{New: 1, Old: 3})
	reverse.Amount, reverse.Currency = dec("3.10"), "EUR"
	l := derive(t, fifo, numbered(buy(t, "2026-01-02", "1000", "3", "0"), reverse))
	h := acme(t, l)
	equal(t, "units", h.Quantity, "333")
	equal(t, "cost", h.Cost, "2997")
	equal(t, "realised", h.Realised, "0.1")
	equal(t, "cash", l.Cash["EUR"], "-2996.9")
}

func TestTimeOfDayDecidesWhatIsSold(t *testing.T) {
	early, late := sell(t, "2026-01-05", "10", "60", "0"), buy(t, "2026-01-05", "10", "58", "0")
	early.Time, late.Time = at(t, "10:00"), at(t, "11:00")
	h := acme(t, derive(t, Policy{Method: Average}, numbered(buy(t, "2026-01-02", "10", "50", "0"), early, late)))
	equal(t, "realised", h.Realised, "100")
	equal(t, "cost", h.Cost, "580")
	early.Time, late.Time = 0, 0 // additions count before reductions
	h = acme(t, derive(t, Policy{Method: Average}, numbered(buy(t, "2026-01-02", "10", "50", "0"), early, late)))
	equal(t, "realised", h.Realised, "60")
}

func at(t testing.TB, text string) Clock {
	t.Helper()
	c, err := ParseClock(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCostMethodsPickLots(t *testing.T) {
	named := sell(t, "2026-02-01", "3", "50", "0")
	named.Lots = []LotChoice{{day(t, "2026-01-02"), dec("1")}, {day(t, "2026-01-03"), dec("2")}}
	plain := sell(t, "2026-02-01", "3", "50", "0")
	for _, test := range []struct {
		name     string
		policy   Policy
		sale     Transaction
		realised string
	}{
		{"FIFO", fifo, plain, "100"},                // 2 at 10 and 1 at 30
		{"LIFO", Policy{Method: LIFO}, plain, "70"}, // 2 at 25 and 1 at 30
		{"HIFO", Policy{Method: HIFO}, plain, "65"}, // 2 at 30 and 1 at 25
		{"named", fifo, named, "80"},                // 1 at 10 and 2 at 30
	} {
		h := acme(t, derive(t, test.policy, numbered(
			buy(t, "2026-01-02", "2", "10", "0"), buy(t, "2026-01-03", "2", "30", "0"),
			buy(t, "2026-01-04", "2", "25", "0"), test.sale)))
		equal(t, test.name, h.Realised, test.realised)
	}
}

func TestNamedLotsMustBeHeld(t *testing.T) {
	sale := sell(t, "2026-02-01", "3", "50", "0")
	sale.Lots = []LotChoice{{day(t, "2026-01-02"), dec("3")}}
	_, err := Derive(t.Context(), fifo, numbered(buy(t, "2026-01-02", "2", "10", "0"),
		buy(t, "2026-01-03", "2", "10", "0"), sale), forever)
	if code(err) != CodeOversold || !strings.Contains(err.Error(), "want at most the 2 held") {
		t.Errorf("Derive() = %v, want %s", err, CodeOversold)
	}
	sale.Lots = nil
	if _, err := Derive(t.Context(), Policy{Method: Average},
		numbered(buy(t, "2026-01-02", "4", "10", "0"), sale), forever); err != nil {
		t.Error(err)
	}
}

func TestReturnOfCapitalAndSpinOff(t *testing.T) {
	back := money(t, ReturnOfCapital, "2026-02-01", "50", "0")
	back.Symbol = "ACME"
	l := derive(t, fifo, numbered(buy(t, "2026-01-02", "10", "100", "0"), back))
	equal(t, "cost", acme(t, l).Cost, "950")
	equal(t, "realised", acme(t, l).Realised, "0")
	back.Amount = dec("1100")
	h := acme(t, derive(t, fifo, numbered(buy(t, "2026-01-02", "10", "100", "0"), back)))
	equal(t, "cost", h.Cost, "0")
	equal(t, "realised", h.Realised, "100")

	spin := Transaction{Kind: SpinOff, Date: day(t, "2026-02-01"), Symbol: "ACME", ToSymbol: "NEW",
		Ratio: Ratio{New: 1, Old: 4}, CostFraction: dec("0.2")}
	l = derive(t, fifo, numbered(buy(t, "2026-01-02", "100", "10", "0"), spin))
	equal(t, "units", acme(t, l).Quantity, "100")
	equal(t, "cost", acme(t, l).Cost, "800")
	fresh, _ := l.Holding("NEW")
	equal(t, "new units", fresh.Quantity, "25")
	equal(t, "new cost", fresh.Cost, "200")
	if fresh.Lots[0].Opened != day(t, "2026-01-02") || fresh.Currency != "EUR" {
		t.Errorf("NEW = %+v, want the lot's day and currency", fresh)
	}
}

func TestMerger(t *testing.T) {
	merged := Transaction{Kind: Merger, Date: day(t, "2026-02-01"), Symbol: "ACME", ToSymbol: "NEW",
		Ratio:  Ratio{New: 1, Old: 2},
		Amount: dec("30"), Currency: "EUR"}
	l := derive(t, fifo, numbered(buy(t, "2026-01-02", "10", "10", "0"), buy(t, "2026-01-03", "10", "20", "0"), merged))
	equal(t, "old units", acme(t, l).Quantity, "0")
	equal(t, "old realised", acme(t, l).Realised, "0")
	fresh, _ := l.Holding("NEW")
	equal(t, "units", fresh.Quantity, "10")
	equal(t, "cost", fresh.Cost, "270")
	equal(t, "first lot", fresh.Lots[0].Cost, "90")
	equal(t, "cash", l.Cash["EUR"], "-270")
}

func TestSettledAmount(t *testing.T) {
	tx := buy(t, "2026-01-02", "0.6242", "48.05", "0")
	tx.Amount = dec("29.99")
	l := derive(t, fifo, numbered(tx))
	equal(t, "cash", l.Cash["EUR"], "-29.99")
	equal(t, "cost", acme(t, l).Cost, "29.99")
	tx.Amount = dec("30.3")
	if tx.Validate() == nil {
		t.Error("Validate(an amount that is 1 % off) = nil, want an error")
	}
}

func TestTaxAndForeignFee(t *testing.T) {
	bought := buy(t, "2026-01-02", "10", "10", "2")
	bought.Tax, bought.FeeCurrency = dec("1"), "USD"
	paid := money(t, Dividend, "2026-01-03", "20", "0")
	paid.Tax = dec("5")
	owed := money(t, Interest, "2026-01-04", "1", "0")
	owed.Amount = dec("-3")
	l := derive(t, fifo, numbered(bought, paid, owed))
	equal(t, "cost", acme(t, l).Cost, "100")
	equal(t, "cash", l.Cash["EUR"], "-89")
	equal(t, "cash in USD", l.Cash["USD"], "-2")
	equal(t, "taxes", l.Taxes["EUR"], "6")
	equal(t, "fees", l.Fees["USD"], "2")
	equal(t, "income", l.Income["EUR"], "17")
}

func TestHoldingsHaveBounds(t *testing.T) {
	tiny := func(date string) Transaction { return split(t, date, Ratio{New: 1, Old: 1_000_000}) }
	txs := numbered(buy(t, "2026-01-02", "1", "5", "0"), tiny("2026-01-03"), tiny("2026-01-04"),
		tiny("2026-01-05"), tiny("2026-01-06"))
	h := acme(t, derive(t, fifo, txs[:4]))
	equal(t, "units", h.Quantity, "0.000000000000000001")
	_, err := Derive(t.Context(), fifo, txs, forever)
	if code(err) != CodeInvalidRequest || !strings.HasPrefix(err.Error(),
		"e of 2026-01-06: quantity: got a holding of less than 10^-18 units") {
		t.Errorf("Derive() = %v, want the fourth split named", err)
	}
	large := func(date string) Transaction { return split(t, date, Ratio{New: 1_000_000, Old: 1}) }
	_, err = Derive(t.Context(), fifo, numbered(buy(t, "2026-01-02", "1.5", "5", "0"), large("2026-01-03"),
		large("2026-01-04"), large("2026-01-05")), forever)
	if err == nil || !strings.HasPrefix(err.Error(),
		"d of 2026-01-05: quantity: got a holding of more than 10^18 units") {
		t.Errorf("Derive() = %v, want the third split named", err)
	}
}

// The time for 1,500 purchases and as many splits does not grow with their product, and
// a derivation ends once its caller has gone.
func TestDerivingIsBounded(t *testing.T) {
	var txs []Transaction
	for range 1_500 {
		txs = append(txs, buy(t, "2026-01-01", "1", "1", "0"))
	}
	for i := range 1_500 {
		tx := split(t, "2026-01-02", Ratio{New: 1_000_000, Old: 1})
		if i%2 == 1 {
			tx.Ratio = Ratio{New: 1, Old: 1_000_000}
		}
		tx.Date += Date(i)
		txs = append(txs, tx)
	}
	start := time.Now()
	h := acme(t, derive(t, fifo, numbered(txs...)))
	equal(t, "units", h.Quantity, "1500")
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("Derive() took %s, want far less than a second", took)
	}
	ended, cancel := newEnded(t)
	defer cancel()
	if _, err := Derive(ended, fifo, txs, forever); err == nil {
		t.Error("Derive() after its context ended = nil, want an error")
	}
}

// Ratios that do not cancel do not make numbers longer and longer.
func TestSplitsKeepNumbersShort(t *testing.T) {
	txs := []Transaction{buy(t, "2026-01-01", "1000000", "1", "0")}
	for i := range 2_000 {
		tx := split(t, "2026-01-02", Ratio{New: int64(999_000 + i%997), Old: int64(999_000 + i*31%991)})
		tx.Date += Date(i)
		txs = append(txs, tx)
	}
	start := time.Now()
	derive(t, fifo, numbered(txs...))
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("Derive() took %s, want far less than a second", took)
	}
}

func TestTransferKeepsCostAndDay(t *testing.T) {
	held := numbered(buy(t, "2026-01-05", "10", "100", "0"))
	transfer := Transfer{From: "a", To: "b", Date: day(t, "2026-02-05"), Symbol: "ACME", Quantity: dec("10")}
	out, in, err := transfer.Sides(t.Context(), fifo, held, "x", 2)
	if err != nil {
		t.Fatal(err)
	}
	left := acme(t, derive(t, fifo, append(held, out)))
	equal(t, "units", left.Quantity, "0")
	equal(t, "realised", left.Realised, "0")
	came := acme(t, derive(t, fifo, numbered(in...)))
	equal(t, "cost", came.Cost, "1000")
	if came.Lots[0].Opened != day(t, "2026-01-05") {
		t.Errorf("Opened = %s, want the day of the purchase", came.Lots[0].Opened)
	}
}

func newEnded(t testing.TB) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx, cancel
}

// 10 at 100 USD when a dollar was 0.90, 30 at 60 when it was 0.70: half of both are
// sold, and what is left cost 5 × 100 × 0.90 and 15 × 60 × 0.70.
func TestBaseCostOfAPool(t *testing.T) {
	now := hours(t, "2026-03-05", 12)
	first, second, sale := buy(t, "2026-03-01", "10", "100", "0"), buy(t, "2026-03-02", "30", "60", "0"),
		sell(t, "2026-03-03", "20", "80", "0")
	first.Currency, second.Currency, sale.Currency = "USD", "USD", "USD"
	tracker, s, market := tracked(t, now, first, second, sale)
	s.portfolio.Method = Average
	market.rates = []Rate{rate("USD", "EUR", "0.9", hours(t, "2026-03-01", 9)),
		rate("USD", "EUR", "0.7", hours(t, "2026-03-02", 9)), rate("USD", "EUR", "0.8", now)}
	market.quotes = []Quote{quote("ACME", "70", "USD", now)}
	v, err := tracker.Valuation(t.Context(), "alice", "p", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	known(t, "base cost", v.Positions[0].BaseCost, "1080")
	known(t, "base unrealised", v.Positions[0].BaseUnrealised, "40") // 20 × 70 × 0.8 less that
	known(t, "price effect", v.Positions[0].PriceEffect, "-30")      // 70 × (5 × 0.9 + 15 × 0.7) less that
	known(t, "currency effect", v.Positions[0].CurrencyEffect, "70")
	known(t, "sum", v.BaseUnrealised, "40")
}

// What was bought since the previous close gains from its price on, what was held before
// from that close on.
func TestDayChange(t *testing.T) {
	now := hours(t, "2026-03-05", 12)
	tracker, _, market := tracked(t, now, money(t, Deposit, "2026-03-01", "2000", "0"),
		buy(t, "2026-03-01", "10", "100", "0"),
		money(t, Deposit, "2026-03-05", "500", "0"), buy(t, "2026-03-05", "2", "108", "1"))
	market.quotes = []Quote{quote("ACME", "104", "EUR", hours(t, "2026-03-04", 20)), quote("ACME", "110", "EUR", now)}
	v, err := tracker.Valuation(t.Context(), "alice", "p", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	known(t, "position", v.Positions[0].DayChange, "63") // 10 × 6 and 2 × 2 less a fee of 1
	known(t, "total", v.DayChange, "63")
}
