package backend

import (
	"errors"
	"math"
	"math/rand"
	"testing"

	"github.com/shopspring/decimal"
)

type dated struct{ date, amount string }

func flowsOf(t testing.TB, flows ...dated) []CashFlow {
	var list []CashFlow
	for _, f := range flows {
		list = append(list, CashFlow{Date: day(t, f.date), Amount: dec(f.amount)})
	}
	return list
}

// near checks a rate to a number of decimals.
func near(t testing.TB, what string, got decimal.Decimal, want string, tolerance string) {
	t.Helper()
	if got.Sub(dec(want)).Abs().GreaterThan(dec(tolerance)) {
		t.Errorf("%s = %s, want %s within %s", what, got, want, tolerance)
	}
}

func TestXIRRPublished(t *testing.T) {
	for _, test := range []struct {
		source    string
		flows     []CashFlow
		want      string
		tolerance string
	}{
		// Excel iterates until the result is right to 0.000001 percent.
		{"Microsoft, XIRR function, Example", flowsOf(t, dated{"2008-01-01", "-10000"}, dated{"2008-03-01", "2750"},
			dated{"2008-10-30", "4250"}, dated{"2009-02-15", "3250"}, dated{"2009-04-01", "2750"}),
			"0.373362535", "0.00000001"},
		{"LibreOffice Help, XIRR, Example", flowsOf(t, dated{"2001-01-01", "-10000"}, dated{"2001-02-01", "2000"},
			dated{"2001-03-15", "2500"}, dated{"2001-05-12", "5000"}, dated{"2001-08-10", "1000"}),
			"0.1828", "0.00005"},
	} {
		got, err := XIRR(test.flows)
		if err != nil {
			t.Errorf("%s: XIRR() = %v", test.source, err)
		}
		near(t, test.source, got, test.want, test.tolerance)
	}
}

func TestXIRRByHand(t *testing.T) {
	for _, test := range []struct {
		name  string
		flows []CashFlow
		want  string
	}{
		{"a year", flowsOf(t, dated{"2025-01-01", "-100"}, dated{"2026-01-01", "110"}), "0.1"},
		{"no gain", flowsOf(t, dated{"2025-01-01", "-100"}, dated{"2026-01-01", "100"}), "0"},
		{"nearly all lost", flowsOf(t, dated{"2025-01-01", "-100"}, dated{"2026-01-01", "0.0001"}), "-0.999999"},
		{"tenfold in 73 days", flowsOf(t, dated{"2025-01-01", "-1"}, dated{"2025-03-15", "10"}), "99999"},
		{"a hundred years", flowsOf(t, dated{"1926-01-01", "-1"}, dated{"2025-12-07", "1.01"}), "0.0000995083"},
		{"borrowed", flowsOf(t, dated{"2025-01-01", "100"}, dated{"2026-01-01", "-105"}), "0.05"},
		{"two on one day", flowsOf(t, dated{"2025-01-01", "-60"}, dated{"2026-01-01", "110"}, dated{"2025-01-01", "-40"}), "0.1"},
		// Signs change three times, but only one rate solves it: ((100·1.1 − 30)·1.1 + 20)·1.1 = 118.8.
		{"in, out, in, out", flowsOf(t, dated{"2025-01-01", "-100"}, dated{"2026-01-01", "30"},
			dated{"2027-01-01", "-20"}, dated{"2028-01-01", "118.8"}), "0.1"},
	} {
		got, err := XIRR(test.flows)
		if err != nil {
			t.Errorf("%s: XIRR() = %v", test.name, err)
		}
		near(t, test.name, got, test.want, "0.0000000002")
	}
}

// Amounts may differ by more decimals than a division is rounded to.
func TestXIRROfVeryDifferentAmounts(t *testing.T) {
	got, err := XIRR(flowsOf(t, dated{"2025-01-01", "-0.000000000000000001"}, dated{"2026-01-01", "100000000000000000"}))
	if growth := got.InexactFloat64() / 1e35; err != nil || math.Abs(growth-1) > 1e-9 {
		t.Errorf("XIRR() = %s, %v, want 10^35", got, err)
	}
	got, err = XIRR(flowsOf(t, dated{"2025-01-01", "-100000000000000000"}, dated{"2026-01-01", "0.000000000000000001"}))
	if err != nil || !got.Equal(dec("-1")) {
		t.Errorf("XIRR() = %s, %v, want -1", got, err)
	}
}

func TestXIRRWithoutResult(t *testing.T) {
	for _, test := range []struct {
		name  string
		flows []CashFlow
		want  error
	}{
		{"no flows", nil, NoRoot},
		{"one flow", flowsOf(t, dated{"2025-01-01", "-100"}), NoRoot},
		{"only investments", flowsOf(t, dated{"2025-01-01", "-100"}, dated{"2026-01-01", "-1"}), NoRoot},
		{"all on one day", flowsOf(t, dated{"2025-01-01", "-100"}, dated{"2025-01-01", "110"}), NoRoot},
		{"all lost", flowsOf(t, dated{"2025-01-01", "-100"}, dated{"2026-01-01", "0"}), NoRoot},
		// 100 − 150 v + 100 v² is never zero.
		{"complex roots", flowsOf(t, dated{"2025-01-01", "100"}, dated{"2026-01-01", "-150"},
			dated{"2027-01-01", "100"}), NoRoot},
		// −100 + 230 v − 132 v² is zero at 10 % and at 20 %.
		{"two roots", flowsOf(t, dated{"2025-01-01", "-100"}, dated{"2026-01-01", "230"},
			dated{"2027-01-01", "-132"}), ManyRoots},
	} {
		if got, err := XIRR(test.flows); !errors.Is(err, test.want) {
			t.Errorf("%s: XIRR() = %s, %v, want %v", test.name, got, err, test.want)
		}
	}
}

// XIRR returns the rate of a balance that grows at it, with random flows.
func TestXIRRFindsRateOfRandomFlows(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for range 300 {
		want := math.Exp(r.Float64()*3-1.5) - 1 // −78 % to 348 % a year
		date, balance := day(t, "2020-01-01"), 1000.0
		flows := []CashFlow{{Date: date, Amount: dec("-1000")}}
		for range 1 + r.Intn(20) {
			days := 1 + r.Intn(60)
			date += Date(days)
			balance *= math.Pow(1+want, float64(days)/365)
			paid := decimal.NewFromFloat(balance * (r.Float64() - 0.7)).Round(12) // in more than out
			flows = append(flows, CashFlow{Date: date, Amount: paid})
			balance -= paid.InexactFloat64()
		}
		flows = append(flows, CashFlow{Date: date + 30,
			Amount: decimal.NewFromFloat(balance * math.Pow(1+want, 30.0/365))})
		r.Shuffle(len(flows), func(i, j int) { flows[i], flows[j] = flows[j], flows[i] })
		got, err := XIRR(flows)
		if err != nil {
			t.Fatalf("XIRR(%v) = %v, want %g", flows, err, want)
		}
		if difference := math.Abs(got.InexactFloat64() - want); difference > 1e-8*(1+math.Abs(want)) {
			t.Fatalf("XIRR(%v) = %s, want %g", flows, got, want)
		}
	}
}
