package backend

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"
)

var everyPolicy = []Policy{{Method: FIFO}, {Method: LIFO}, {Method: HIFO}, {Method: Average},
	{Method: FIFO, AllowShorts: true}}

// anyHistory returns entries of all kinds, of four symbols in two currencies, that the
// policy does not refuse. Some sales name their lots.
func anyHistory(t testing.TB, r *rand.Rand, policy Policy, days int) []Transaction {
	t.Helper()
	var txs []Transaction
	d := newDerivation(policy)
	first := day(t, "2026-01-01")
	for n := range days * 4 {
		tx := anyEntry(r, d, []string{"AAA", "BBB", "CCC", "DDD"}[r.Intn(4)], first+Date(n/4))
		tx.ID, tx.Sequence = fmt.Sprintf("e%d", n), int64(n+1)
		tx.Time = Clock(n%4*20_000 + 1) // later than those before, except for splits
		if tx.Kind == Split {
			// It takes effect before the existing entries of its day.
			tx.Time = 0
			try := newDerivation(policy)
			if try.book(t.Context(), sorted(append(slices.Clone(txs), tx)), forever) == nil {
				d, txs = try, append(txs, tx)
			}
			continue
		}
		if tx.Validate() != nil {
			continue
		}
		if d.clone().book(t.Context(), []*Transaction{&tx}, forever) == nil {
			if err := d.book(t.Context(), []*Transaction{&tx}, forever); err != nil {
				t.Fatal(err)
			}
			txs = append(txs, tx)
		}
	}
	return txs
}

// anyEntry returns an entry of any kind with the members that it needs, after those that d
// has booked. It may be impossible.
func anyEntry(r *rand.Rand, d *derivation, symbol string, on Date) Transaction {
	cents := func(most int64) decimal.Decimal { return decimal.New(r.Int63n(most)+1, -2) }
	currency := map[string]Currency{"AAA": "EUR", "BBB": "EUR", "CCC": "USD", "DDD": "USD"}[symbol]
	tx := Transaction{Date: on, Kind: Kinds[r.Intn(len(Kinds))]}
	if tx.Kind.Has(HasSymbol) {
		tx.Symbol = symbol
	}
	if tx.Kind.Needs(HasCurrency) {
		tx.Currency = currency
	}
	if tx.Kind.Needs(HasQuantity) {
		tx.Quantity = decimal.NewFromInt(r.Int63n(30) + 1)
	}
	if tx.Kind.Needs(HasPrice) {
		tx.Price = cents(10_000)
	}
	if tx.Kind.Needs(HasAmount) || tx.Kind == TransferIn {
		tx.Amount = cents(50_000)
	}
	if tx.Kind.Has(HasFee) {
		tx.Fee = cents(300)
		tx.FeeCurrency = []Currency{"", "EUR", "USD"}[r.Intn(3)]
	}
	if tx.Kind.Has(HasTax) {
		tx.Tax = cents(300)
	}
	if tx.Kind.Has(HasToSymbol) {
		tx.ToSymbol = map[string]string{"AAA": "BBB", "BBB": "AAA", "CCC": "DDD", "DDD": "CCC"}[symbol]
	}
	if tx.Kind.Has(HasRatio) {
		tx.Ratio = Ratio{New: r.Int63n(5) + 1, Old: r.Int63n(5) + 1}
	}
	switch tx.Kind {
	case Conversion:
		tx.Currency, tx.ToCurrency, tx.ToAmount = "EUR", "USD", cents(50_000)
	case Interest:
		if r.Intn(2) == 0 {
			tx.Amount = tx.Amount.Neg()
		}
	case SpinOff:
		tx.CostFraction = decimal.New(r.Int63n(100), -2)
	case Merger, Split:
		if r.Intn(2) == 0 {
			tx.Amount, tx.Currency = cents(1_000), currency
		}
	case Sell, TransferOut:
		nameLot(r, d, &tx)
	}
	return tx
}

// nameLot makes some sales take all units of a lot.
func nameLot(r *rand.Rand, d *derivation, tx *Transaction) {
	h := d.holdings[tx.Symbol]
	if h == nil || d.policy.Method == Average || r.Intn(3) > 0 || h.short {
		return
	}
	for _, lot := range h.shownLots() {
		if lot.Opened <= tx.Date {
			tx.Lots, tx.Quantity = []LotChoice{{lot.Opened, lot.Quantity}}, lot.Quantity
		}
	}
}

// The worth less what came in equals realised and unrealised gains and income, less
// fees and taxes: to the last digit, in each currency, for histories of all kinds.
// Transferred units count at their cost; a conversion moves money between currencies.
func TestGainsExplainTheTotal(t *testing.T) {
	kinds := map[Kind]int{}
	for seed := range int64(150) {
		policy := everyPolicy[int(seed)%len(everyPolicy)]
		r := rand.New(rand.NewSource(seed))
		txs := anyHistory(t, r, policy, 30)
		in := Balances{}
		d := newDerivation(policy)
		for i := range txs {
			kinds[txs[i].Kind]++
		}
		cost := map[string]decimal.Decimal{}
		d.observe = func(e effect) {
			switch {
			case e.Kind == Deposit && !e.fee, e.Kind == Withdrawal && !e.fee, e.Kind == Conversion && !e.fee:
				in.add(e.currency, e.cash)
			case e.Kind == TransferIn:
				in.add(e.currency, e.Amount)
			case e.Kind == TransferOut:
				in.add(e.currency, d.holdings[e.symbol].costs().Sub(cost[e.symbol]))
			}
		}
		for _, tx := range slices.SortedFunc(slices.Values(txs), Transaction.Compare) {
			if h := d.holdings[tx.Symbol]; h != nil {
				cost[tx.Symbol] = h.costs()
			}
			if err := d.book(t.Context(), []*Transaction{&tx}, forever); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
		l := d.ledger(true)
		prices := Prices{Quotes: map[string]Quote{}}
		for _, h := range l.Holdings {
			prices.Quotes[h.Symbol] = quote(h.Symbol, decimal.New(r.Int63n(10_000), -2).String(), h.Currency, noon)
		}
		total, explained := l.Cash.clone(), in.clone()
		for _, h := range l.Holdings {
			explained.add(h.Currency, h.Realised)
			assertCost(t, h)
		}
		for _, p := range Value(l, "EUR", noon, prices).Positions {
			total.add(p.Currency, p.Value.Decimal)
			explained.add(p.Currency, p.Unrealised.Decimal)
		}
		for _, c := range []Currency{"EUR", "USD"} {
			sum := explained[c].Add(l.Income[c]).Sub(l.Fees[c]).Sub(l.Taxes[c])
			equal(t, fmt.Sprintf("seed %d, %s, total in %s", seed, policy.Method, c), total[c], sum.String())
		}
		if t.Failed() {
			t.Fatalf("seed %d: %+v", seed, txs)
		}
	}
	for _, k := range Kinds {
		if kinds[k] < 20 {
			t.Errorf("%d entries of kind %s, want more", kinds[k], k)
		}
	}
}

// assertCost expects the cost of a holding to be that of its lots, and none without units.
func assertCost(t *testing.T, h Holding) {
	t.Helper()
	lots := decimal.Zero
	for _, lot := range h.Lots {
		lots = lots.Add(lot.Cost)
	}
	equal(t, "cost in lots of "+h.Symbol, lots, h.Cost.String())
	if h.Quantity.IsZero() && !h.Cost.IsZero() {
		t.Errorf("%s: no units and a cost of %s", h.Symbol, h.Cost)
	}
}

// A book that is changed at random, at its end and before, with checkpoints and without
// them, equals a derivation from scratch.
func TestBooksEqualDerivationFromScratch(t *testing.T) {
	for seed := range int64(40) {
		policy := everyPolicy[int(seed)%len(everyPolicy)]
		r := rand.New(rand.NewSource(seed))
		all := anyHistory(t, r, policy, 40)
		p := Portfolio{ID: "p", Owner: "alice", Base: "EUR", Policy: policy, Version: 1}
		b := newBook(p, slices.Clone(all[:len(all)/2]))
		b.every = 7 // checkpoints
		kept := slices.Clone(all[:len(all)/2])
		check := func(what string) {
			t.Helper()
			through := all[r.Intn(len(all))].Date
			want, wantErr := Derive(t.Context(), policy, kept, through)
			got, err := b.ledger(t.Context(), through, time.Time{})
			if (err != nil) != (wantErr != nil) {
				t.Fatalf("seed %d, %s: ledger() = %v, want %v", seed, what, err, wantErr)
			}
			if err == nil && text(t, got) != text(t, want) {
				t.Fatalf("seed %d, %s: got %s, want %s", seed, what, text(t, got), text(t, want))
			}
			if _, v, err := b.snapshot(t.Context(), Close(through)); err == nil {
				for i, h := range v.ledger.Holdings {
					if !h.Cost.Equal(want.Holdings[i].Cost) || !h.Quantity.Equal(want.Holdings[i].Quantity) ||
						!h.Realised.Equal(want.Holdings[i].Realised) {
						t.Fatalf("seed %d, %s: view = %+v, want %+v", seed, what, h, want.Holdings[i])
					}
				}
			}
		}
		check("at first")
		for _, tx := range all[len(all)/2:] {
			p.Version++
			kept = append(kept, tx)
			b.update(p, []Transaction{tx}, nil)
			check("appended")
		}
		for range 20 {
			p.Version++
			i := r.Intn(len(kept))
			if tx := kept[i]; r.Intn(2) == 0 {
				kept = slices.Delete(kept, i, i+1)
				b.update(p, nil, []string{tx.ID})
			} else {
				kept[i].Note, kept[i].Date = "changed", kept[i].Date+Date(r.Intn(5))
				b.update(p, []Transaction{kept[i]}, nil)
			}
			check("changed")
		}
	}
}
