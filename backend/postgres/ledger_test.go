package postgres_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/postgres"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// Random changes of all kinds, at the end and in the past, are accepted or refused
// as deriving everything from scratch would decide, and what is derived step by step is
// the ledger that is derived from scratch.
func TestIncrementalLedgerIsTheLedger(t *testing.T) {
	db := migrated(t)
	db.KeepTailsFrom(3)
	by := member(t, db, "alice")
	for n, method := range []backend.CostMethod{backend.FIFO, backend.LIFO, backend.HIFO, backend.Average} {
		r := rand.New(rand.NewPCG(uint64(n), 3))
		p, _, err := db.CreatePortfolio(t.Context(), by, "", backend.Portfolio{
			Name: "p", Base: "EUR", Policy: backend.Policy{Method: method}})
		require.NoError(t, err)
		tracker := backend.NewTracker(db, db, backend.MarketPricer{Market: db}, time.Now)
		outcomes := map[bool]int{}
		for range 70 {
			_, all, err := db.Load(t.Context(), "alice", p.ID)
			require.NoError(t, err)
			want, refused := changeAnything(t, r, db, by, p, all)
			outcomes[refused == nil]++
			_, err = backend.Derive(t.Context(), p.Policy, want, day+1000)
			require.Equal(t, codeOf(err), codeOf(refused), "got %v, want %v", refused, err)

			_, all, err = db.Load(t.Context(), "alice", p.ID)
			require.NoError(t, err)
			scratch, err := backend.Derive(t.Context(), p.Policy, all, day+100)
			require.NoError(t, err)
			got, err := tracker.Holdings(t.Context(), "alice", p.ID, backend.Close(day+100))
			require.NoError(t, err)
			require.Equal(t, asJSON(t, scratch), asJSON(t, got))
		}
		require.Greater(t, outcomes[true], 20, method)
		require.Greater(t, outcomes[false], 2, method)
	}
}

// changeAnything records, replaces or deletes an entry. It returns what the entries would
// be then, and the error.
func changeAnything(
	t *testing.T, r *rand.Rand, store *postgres.DB, by backend.Principal, p backend.Portfolio,
	all []backend.Transaction,
) (want []backend.Transaction, err error) {
	fresh := anything(r)
	if len(all) == 0 || r.IntN(4) > 0 {
		_, _, err = store.Record(t.Context(), by, p.ID, "", []backend.Transaction{fresh})
		fresh.ID, fresh.Sequence = "new", int64(1_000_000)
		return append(all, fresh), err
	}
	i := r.IntN(len(all))
	e, found := store.GetEntry(t.Context(), by.Owner, p.ID, all[i].ID)
	require.NoError(t, found)
	if r.IntN(2) == 0 {
		return slices.Delete(all, i, i+1), store.DeleteEntry(t.Context(), by, p.ID, e.ID, e.Version)
	}
	fresh.ID, fresh.Sequence = e.ID, e.Sequence
	e.Transaction, all[i] = fresh, fresh
	_, err = store.UpdateEntry(t.Context(), by, p.ID, e)
	return all, err
}

// anything returns an entry of any kind, which may be impossible.
func anything(r *rand.Rand) backend.Transaction {
	symbols := []string{"A", "B", "C"}
	symbol := symbols[r.IntN(3)]
	kind := backend.Kinds[r.IntN(len(backend.Kinds))]
	if r.IntN(2) == 0 {
		kind = backend.Buy
	}
	tx := backend.Transaction{Kind: kind, Date: day + backend.Date(r.IntN(60))}
	if kind.Has(backend.HasSymbol) {
		tx.Symbol = symbol
	}
	if kind.Needs(backend.HasCurrency) {
		tx.Currency = "EUR"
	}
	if kind.Needs(backend.HasQuantity) {
		tx.Quantity = decimal.NewFromInt(1 + r.Int64N(20))
	}
	if kind.Needs(backend.HasPrice) {
		tx.Price = decimal.New(1+r.Int64N(10_000), -2)
	}
	if kind.Needs(backend.HasAmount) || kind == backend.TransferIn {
		tx.Amount = decimal.New(1+r.Int64N(10_000), -2)
	}
	if kind.Has(backend.HasToSymbol) {
		tx.ToSymbol = symbols[(slices.Index(symbols, symbol)+1)%3]
	}
	if kind.Has(backend.HasRatio) {
		tx.Ratio = backend.Ratio{New: 1 + r.Int64N(4), Old: 1 + r.Int64N(4)}
	}
	switch kind {
	case backend.Conversion:
		tx.ToCurrency, tx.ToAmount = "USD", decimal.New(1+r.Int64N(10_000), -2)
	case backend.SpinOff:
		tx.CostFraction = decimal.New(r.Int64N(10), -1)
	}
	if r.IntN(3) == 0 && kind != backend.Split {
		tx.Time = backend.Clock(1 + r.IntN(80_000))
	}
	tx.Note = strconv.Itoa(r.IntN(1000))
	return tx
}

// What corporate actions may move together is limited when entries are recorded, whatever
// their order and their symbols: a portfolio that cannot be derived could not be read.
func TestLotMovesOfUnrelatedSymbols(t *testing.T) {
	for _, tailsFrom := range []int{1, 1_000} {
		db := migrated(t)
		db.KeepTailsFrom(tailsFrom)
		by := member(t, db, "alice")
		p := portfolio(t, db, by)
		// Sixty spin-offs of five hundred lots each.
		group := func(from string, first backend.Date) (txs []backend.Transaction) {
			one := decimal.NewFromInt(1)
			for range 500 {
				txs = append(txs, backend.Transaction{Kind: backend.Buy, Date: first, Symbol: from, Quantity: one, Price: one,
					Currency: "EUR"})
			}
			for i := range backend.Date(60) {
				txs = append(txs, backend.Transaction{Kind: backend.SpinOff, Date: first + 1 + i, Symbol: from,
					ToSymbol: from + strconv.Itoa(int(i)), Ratio: backend.Ratio{New: 1, Old: 1}})
			}
			return txs
		}
		for i, symbol := range []string{"A", "B", "C"} {
			recorded(t, db, by, p.ID, group(symbol, day-backend.Date(i))...)
		}
		recorded(t, db, by, p.ID, deposit(day+200, "1"))
		_, _, err := db.Record(t.Context(), by, p.ID, "", group("D", day-10))
		assertCode(t, backend.CodeInvalidRequest, err)
		_, all, err := db.Load(t.Context(), "alice", p.ID)
		require.NoError(t, err)
		require.Len(t, all, 3*560+1)
		_, err = backend.Derive(t.Context(), p.Policy, all, day+1000)
		require.NoError(t, err)
	}
}
