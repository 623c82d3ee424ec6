package backend

import (
	"encoding/json"
	"math/rand"
	"slices"
	"testing"

	"github.com/shopspring/decimal"
)

var policies = []Policy{
	{Method: FIFO}, {Method: Average}, {Method: FIFO, AllowShorts: true}, {Method: Average, AllowShorts: true},
}

// eachHistory checks a property on random histories, identified by their seeds.
func eachHistory(t *testing.T, check func(t *testing.T, r *rand.Rand, policy Policy, txs []Transaction)) {
	t.Helper()
	for seed := range int64(200) {
		r := rand.New(rand.NewSource(seed))
		policy := policies[int(seed)%len(policies)]
		check(t, r, policy, history(t, r, policy.AllowShorts))
		if t.Failed() {
			t.Fatalf("seed %d, %+v", seed, policy)
		}
	}
}

// history returns entries of some days, several per day, that no policy refuses.
func history(t testing.TB, r *rand.Rand, shorts bool) []Transaction {
	var txs []Transaction
	first, held := day(t, "2026-01-01"), int64(0)
	cents := func(most int64) decimal.Decimal { return decimal.New(r.Int63n(most)+1, -2) }
	for d := range Date(12) {
		for range r.Intn(3) {
			units := r.Int63n(50) + 1
			tx := buy(t, "2026-01-01", "1", "1", "0")
			tx.Quantity, tx.Price, tx.Fee = decimal.NewFromInt(units), cents(10_000), cents(300)
			tx.Date, held = first+d, held+units
			txs = append(txs, tx)
		}
		for range r.Intn(3) {
			most := held
			if shorts {
				most = 60
			}
			if most == 0 {
				break
			}
			units := r.Int63n(most) + 1
			tx := sell(t, "2026-01-01", "1", "1", "0")
			tx.Quantity, tx.Price, tx.Fee = decimal.NewFromInt(units), cents(10_000), cents(300)
			tx.Date, held = first+d, held-units
			txs = append(txs, tx)
		}
		for _, kind := range []Kind{Deposit, Withdrawal, Dividend, Interest, Fee} {
			if r.Intn(2) == 0 {
				tx := money(t, kind, "2026-01-01", "1", "0")
				tx.Date, tx.Amount = first+d, cents(100_000)
				txs = append(txs, tx)
			}
		}
	}
	return numbered(txs...)
}

// text formats a ledger so that two can be compared to the last digit.
func text(t testing.TB, l Ledger) string {
	t.Helper()
	b, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func shuffled(r *rand.Rand, txs []Transaction) []Transaction {
	txs = slices.Clone(txs)
	r.Shuffle(len(txs), func(i, j int) { txs[i], txs[j] = txs[j], txs[i] })
	return txs
}

func TestDeriveIgnoresOrderOfSlice(t *testing.T) {
	eachHistory(t, func(t *testing.T, r *rand.Rand, policy Policy, txs []Transaction) {
		mixed := shuffled(r, txs)
		given := slices.Clone(mixed)
		if got, want := text(t, derive(t, policy, mixed)), text(t, derive(t, policy, txs)); got != want {
			t.Errorf("Derive(shuffled) = %s, want %s", got, want)
		}
		if !slices.EqualFunc(mixed, given, func(a, b Transaction) bool { return a.Compare(b) == 0 }) {
			t.Error("Derive changed its arguments")
		}
	})
}

// The order of recording decides which of two purchases of one day is sold
// first. Nothing else may depend on it.
func TestOrderOfRecordingOnlyPicksLots(t *testing.T) {
	eachHistory(t, func(t *testing.T, r *rand.Rand, policy Policy, txs []Transaction) {
		renumbered := slices.Clone(txs)
		for i, n := range r.Perm(len(txs)) {
			renumbered[i].Sequence = int64(n)
		}
		got, want := derive(t, policy, renumbered), derive(t, policy, txs)
		for _, b := range []struct{ got, want Balances }{
			{got.Cash, want.Cash}, {got.Income, want.Income}, {got.Fees, want.Fees},
		} {
			equal(t, "balance", b.got["EUR"], b.want["EUR"].String())
		}
		g, _ := got.Holding("ACME")
		w, _ := want.Holding("ACME")
		equal(t, "units", g.Quantity, w.Quantity.String())
		equal(t, "realised less cost", g.Realised.Sub(g.Cost), w.Realised.Sub(w.Cost).String())
	})
}

func TestUnitsAndCashAreConserved(t *testing.T) {
	eachHistory(t, func(t *testing.T, _ *rand.Rand, policy Policy, txs []Transaction) {
		units, cash := decimal.Zero, decimal.Zero
		for _, tx := range txs {
			value := tx.Quantity.Mul(tx.Price)
			cash = cash.Sub(tx.Fee)
			switch tx.Kind {
			case Buy:
				units, cash = units.Add(tx.Quantity), cash.Sub(value)
			case Sell:
				units, cash = units.Sub(tx.Quantity), cash.Add(value)
			case Deposit, Dividend, Interest:
				cash = cash.Add(tx.Amount)
			default:
				cash = cash.Sub(tx.Amount)
			}
		}
		l := derive(t, policy, txs)
		h, _ := l.Holding("ACME")
		equal(t, "cash", l.Cash["EUR"], cash.String())
		equal(t, "units", h.Quantity, units.String())

		// The cash of the trades equals what was gained less the cost of what is still held.
		external := decimal.Zero
		for _, tx := range txs {
			switch tx.Kind {
			case Deposit:
				external = external.Add(tx.Amount)
			case Withdrawal:
				external = external.Sub(tx.Amount)
			}
		}
		explained := external.Add(l.Income["EUR"]).Sub(l.Fees["EUR"]).Add(h.Realised).Sub(h.Cost)
		equal(t, "cash explained", explained, cash.String())

		open, cost := decimal.Zero, decimal.Zero
		for _, lot := range h.Lots {
			open, cost = open.Add(lot.Quantity), cost.Add(lot.Cost)
			if lot.Quantity.Sign() != h.Quantity.Sign() {
				t.Errorf("lot of %s units in a holding of %s", lot.Quantity, h.Quantity)
			}
		}
		equal(t, "units in lots", open, h.Quantity.String())
		equal(t, "cost in lots", cost, h.Cost.String())
	})
}

func TestSellingAllLeavesZero(t *testing.T) {
	eachHistory(t, func(t *testing.T, _ *rand.Rand, policy Policy, txs []Transaction) {
		h, _ := derive(t, policy, txs).Holding("ACME")
		if h.Quantity.IsZero() {
			return
		}
		closing := sell(t, "2026-03-01", "1", "12.34", "1")
		if h.Quantity.IsNegative() {
			closing.Kind = Buy
		}
		closing.Quantity = h.Quantity.Abs()
		h = acme(t, derive(t, policy, append(slices.Clone(txs), closing)))
		equal(t, "units", h.Quantity, "0")
		equal(t, "cost", h.Cost, "0")
		if len(h.Lots) != 0 {
			t.Errorf("Lots = %v, want none", h.Lots)
		}
	})
}

// After a split of four for one, four times the units at a quarter of the price result
// in the same gains.
func TestSplitChangesNoValue(t *testing.T) {
	eachHistory(t, func(t *testing.T, r *rand.Rand, policy Policy, txs []Transaction) {
		at := day(t, "2026-01-01") + Date(r.Intn(14))
		withSplit := slices.Clone(txs)
		for i, tx := range withSplit {
			if tx.Date >= at {
				withSplit[i].Quantity = tx.Quantity.Mul(dec("4"))
				withSplit[i].Price = tx.Price.Mul(dec("0.25"))
			}
		}
		four := split(t, at.String(), Ratio{New: 4, Old: 1})
		got, want := derive(t, policy, append(withSplit, four)), derive(t, policy, txs)
		equal(t, "cash", got.Cash["EUR"], want.Cash["EUR"].String())
		g, _ := got.Holding("ACME")
		w, _ := want.Holding("ACME")
		equal(t, "cost", g.Cost, w.Cost.String())
		equal(t, "realised", g.Realised, w.Realised.String())
		equal(t, "units", g.Quantity, w.Quantity.Mul(dec("4")).String())
	})
}

// Later entries do not affect the ledger of a day.
func TestLedgerOfADayIgnoresLaterEntries(t *testing.T) {
	eachHistory(t, func(t *testing.T, r *rand.Rand, policy Policy, txs []Transaction) {
		through := day(t, "2026-01-01") + Date(r.Intn(14))
		got, err := Derive(t.Context(), policy, txs, through)
		if err != nil {
			t.Fatal(err)
		}
		until := slices.DeleteFunc(slices.Clone(txs), func(tx Transaction) bool { return tx.Date > through })
		want := derive(t, policy, until)
		want.Through = through
		if text(t, got) != text(t, want) {
			t.Errorf("Derive(through %s) = %s, want %s", through, text(t, got), text(t, want))
		}
	})
}
