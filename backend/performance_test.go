package backend

import (
	"errors"
	"math/rand"
	"testing"

	"github.com/shopspring/decimal"
)

func TestTimeWeightedPublished(t *testing.T) {
	for _, test := range []struct {
		source    string
		spans     []Span
		want      string
		tolerance string
	}{
		{"Investopedia, Time-Weighted Rate of Return, investor 1: 16.25 % and -5.56 %", []Span{
			{Start: dec("1000000"), End: dec("1162484")},
			{Start: dec("1162484"), In: dec("100000"), End: dec("1192328")},
		}, "0.0979", "0.00005"},
		{"Investopedia, the same, investor 2, who takes 100,000 out instead", []Span{
			{Start: dec("1000000"), End: dec("1162484")},
			{Start: dec("1062484"), End: dec("1003440")},
		}, "0.0979", "0.00005"},
		{"Wikipedia, Time-weighted return: 4 %, 9 %, 5 % and 11 %", []Span{
			{Start: dec("100"), End: dec("104")}, {Start: dec("100"), End: dec("109")},
			{Start: dec("100"), End: dec("105")}, {Start: dec("100"), End: dec("111")},
		}, "0.3212", "0.00005"},
	} {
		got, err := TimeWeighted(test.spans)
		if err != nil {
			t.Errorf("%s: TimeWeighted() = %v", test.source, err)
		}
		near(t, test.source, got, test.want, test.tolerance)
	}
}

func TestTimeWeightedNeedsCapital(t *testing.T) {
	for _, test := range []struct {
		name string
		span Span
		want error
	}{
		{"nothing", Span{}, nil},
		{"capital without any before", Span{End: dec("1")}, NoCapital},
		{"a debt", Span{Start: dec("-5"), End: dec("-4")}, NoCapital},
		{"more than all lost", Span{Start: dec("5"), End: dec("-1")}, NoCapital},
		{"all lost", Span{Start: dec("5")}, nil},
		{"all taken out", Span{Start: dec("5"), Out: dec("6")}, nil},
	} {
		if got, err := TimeWeighted([]Span{test.span}); !errors.Is(err, test.want) {
			t.Errorf("%s: TimeWeighted() = %s, %v, want %v", test.name, got, err, test.want)
		}
	}
}

// year has a deposit to buy 10 ACME at 100, 10 more bought at 110, and 10 sold at 121
// and withdrawn.
func year(t testing.TB) []Transaction {
	return numbered(
		money(t, Deposit, "2025-01-02", "1000", "0"), buy(t, "2025-01-02", "10", "100", "0"),
		money(t, Deposit, "2025-07-03", "1100", "0"), buy(t, "2025-07-03", "10", "110", "0"),
		sell(t, "2025-10-01", "10", "121", "0"), money(t, Withdrawal, "2025-10-01", "1210", "0"),
	)
}

// closes returns ACME's closing prices on the days on which they changed.
func closes(t testing.TB, changes ...dated) []Quote {
	var quotes []Quote
	for _, change := range changes {
		quotes = append(quotes, quote("ACME", change.amount, "EUR", Close(day(t, change.date))))
	}
	return quotes
}

// perform measures a portfolio in euros from the close of one day to that of another.
func perform(t testing.TB, policy Policy, txs []Transaction, from, to Date, quotes []Quote,
	rates ...Rate) (Performance, error) {
	tracker, s, market := tracked(t, Close(to), txs...)
	s.portfolio.Policy = policy
	market.quotes, market.rates = quotes, rates
	return tracker.Performance(t.Context(), "alice", "p", from, to)
}

func TestPerform(t *testing.T) {
	p, err := perform(t, Policy{Method: FIFO}, year(t), day(t, "2025-01-01"), day(t, "2026-01-02"), closes(t,
		dated{"2025-01-02", "100"}, dated{"2025-04-01", "110"}, dated{"2025-07-03", "121"},
		dated{"2025-10-01", "133.1"}))
	if err != nil {
		t.Fatal(err)
	}
	known(t, "Start", p.Start, "0")
	known(t, "End", p.End, "1331")
	known(t, "In", p.In, "2100")
	known(t, "Out", p.Out, "1210")
	known(t, "Gain", p.Gain, "441")
	// 1,100 of 1,000; 2,420 of 2,200; 1,331 and 1,210 of 2,420.
	known(t, "TimeWeighted", p.TimeWeighted.Value, "0.2705")
	want, err := XIRR(flowsOf(t, dated{"2025-01-02", "-1000"}, dated{"2025-07-03", "-1100"},
		dated{"2025-10-01", "1210"}, dated{"2026-01-02", "1331"}))
	if err != nil {
		t.Fatal(err)
	}
	known(t, "MoneyWeighted, annualised", p.MoneyWeighted.Annualised, want.String())
}

// What was held before a period counts as coming in at its beginning.
func TestPerformOfLaterPeriod(t *testing.T) {
	p, err := perform(t, Policy{Method: FIFO}, year(t), day(t, "2025-01-02"), day(t, "2025-07-02"),
		closes(t, dated{"2025-01-02", "100"}, dated{"2025-04-01", "110"}))
	if err != nil {
		t.Fatal(err)
	}
	known(t, "Start", p.Start, "1000")
	known(t, "In", p.In, "0")
	known(t, "TimeWeighted", p.TimeWeighted.Value, "0.1")
	known(t, "MoneyWeighted", p.MoneyWeighted.Value, "0.1")
	known(t, "MoneyWeighted of half a year, annualised", p.MoneyWeighted.Annualised, "")
}

func TestPerformWithoutResult(t *testing.T) {
	whole := closes(t, dated{"2025-01-02", "100"})
	foreign := year(t)
	for i := range foreign {
		foreign[i].Currency = "USD"
	}
	unrecorded := []Transaction{buy(t, "2025-01-02", "10", "100", "0")}
	gift := Transaction{Kind: TransferIn, Date: day(t, "2025-01-02"), Symbol: "GIFT",
		Currency: "EUR", Quantity: dec("1")}
	for _, test := range []struct {
		name        string
		txs         []Transaction
		quotes      []Quote
		time, money ReturnError
		method      ReturnMethod
	}{
		{"units without a price", append(year(t), gift), whole, Unpriced, Unpriced, MethodIRR},
		{"no rate", foreign, whole, Unpriced, Unpriced, MethodIRR},
		{"no deposits", unrecorded, closes(t, dated{"2025-01-02", "105"}), NoCapital, NoCapital, MethodModifiedDietz},
		{"nothing", nil, whole, "", NoCapital, MethodModifiedDietz},
	} {
		p, err := perform(t, Policy{Method: FIFO}, test.txs, day(t, "2025-01-01"), day(t, "2026-01-02"), test.quotes)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range []struct {
			what string
			got  Return
			want ReturnError
		}{{"TimeWeighted", p.TimeWeighted, test.time}, {"MoneyWeighted", p.MoneyWeighted, test.money}} {
			if r.got.Why != r.want || r.got.Value.Valid != (r.want == "") {
				t.Errorf("%s: %s = %+v, want why %q", test.name, r.what, r.got, r.want)
			}
		}
		if p.MoneyWeighted.Method != test.method {
			t.Errorf("%s: method = %s, want %s", test.name, p.MoneyWeighted.Method, test.method)
		}
	}
}

// Without entries, a portfolio begins yesterday.
func TestPerformSinceInceptionWithoutEntries(t *testing.T) {
	to := day(t, "2025-01-01")
	p, err := perform(t, Policy{Method: FIFO}, nil, 0, to, nil)
	if err != nil {
		t.Fatal(err)
	}
	if p.From != to-1 {
		t.Errorf("From = %s, want %s", p.From, to-1)
	}
	known(t, "Gain", p.Gain, "0")
}

func TestPerformRefuses(t *testing.T) {
	from := day(t, "2025-01-01")
	if _, err := perform(t, Policy{Method: FIFO}, nil, from, from, nil); code(err) != CodeInvalidRequest {
		t.Errorf("Performance(no days) = %v, want the code %s", err, CodeInvalidRequest)
	}
	short := []Transaction{sell(t, "2025-01-02", "1", "1", "0")}
	if _, err := perform(t, Policy{Method: FIFO}, short, from, from+10, nil); code(err) != CodeOversold {
		t.Errorf("Performance(oversold) = %v, want the code %s", err, CodeOversold)
	}
}

// Flows do not affect the time-weighted return: it is the change of the price if the
// price does not change on days with flows.
func TestTimeWeightedIgnoresFlows(t *testing.T) {
	for seed := range int64(50) {
		r := rand.New(rand.NewSource(seed))
		from, price, held := day(t, "2025-01-01"), int64(100), int64(0)
		prices := map[Date]int64{from: price}
		var txs []Transaction
		for d := from + 1; d <= from+40; d++ {
			switch {
			case d == from+1 || r.Intn(3) == 0:
				units := r.Int63n(20) + 1
				in, trade := money(t, Deposit, d.String(), "1", "0"), buy(t, d.String(), "1", "1", "0")
				if held > 20 && r.Intn(2) == 0 {
					in.Kind, trade.Kind, held = Withdrawal, Sell, held-units
				} else {
					held += units
				}
				trade.Quantity, trade.Price = decimal.NewFromInt(units), decimal.NewFromInt(price)
				in.Amount = decimal.NewFromInt(units * price)
				txs = append(txs, in, trade)
			default:
				price = r.Int63n(50) + 75
			}
			prices[d] = price
		}
		var quotes []Quote
		for d := from; d <= from+40; d++ {
			quotes = append(quotes, quote("ACME", decimal.NewFromInt(prices[d]).String(), "EUR", Close(d)))
		}
		p, err := perform(t, Policy{Method: FIFO}, txs, from, from+40, quotes)
		if err != nil {
			t.Fatal(err)
		}
		if !p.TimeWeighted.Value.Valid {
			t.Fatalf("seed %d: TimeWeighted = %+v, want a number", seed, p.TimeWeighted)
		}
		near(t, "TimeWeighted", p.TimeWeighted.Value.Decimal, decimal.New(price-100, -2).String(), "0.000000001")
	}
}

// What one entry moves after its tax is one flow: of a portfolio without cash, and of a
// holding in any portfolio.
func TestCashOfAnEntryIsOneFlow(t *testing.T) {
	paid := money(t, Dividend, "2026-03-03", "30", "0")
	paid.Tax = dec("10")
	sold := sell(t, "2026-03-04", "10", "110", "0")
	sold.Tax = dec("50")
	tracker, store, market := tracked(t, hours(t, "2026-03-05", 12), buy(t, "2026-03-01", "10", "100", "0"), paid, sold)
	market.quotes = []Quote{quote("ACME", "100", "EUR", hours(t, "2026-03-01", 17)),
		quote("ACME", "110", "EUR", hours(t, "2026-03-03", 17))}
	check := func(what string, r Results) {
		t.Helper()
		equal(t, what+": in", r.In.Decimal, "1000")
		equal(t, what+": out", r.Out.Decimal, "1070")
		equal(t, what+": time-weighted", r.TimeWeighted.Value.Decimal, "0.0690909091") // 1120/1000 × 1050/1100 − 1
	}
	_, parts, err := tracker.Parts(t.Context(), "alice", "p", day(t, "2026-02-28"), day(t, "2026-03-05"), false)
	if err != nil {
		t.Fatal(err)
	}
	check("holding", parts[0].Results)
	store.portfolio.IgnoreCash, store.portfolio.Version = true, 2
	whole, err := tracker.Performance(t.Context(), "alice", "p", day(t, "2026-02-28"), day(t, "2026-03-05"))
	if err != nil {
		t.Fatal(err)
	}
	check("portfolio", whole.Results)
}
