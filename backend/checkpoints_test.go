package backend

import (
	"fmt"
	"math/bits"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A change derives about as many entries again as follow it, whatever is older, and few
// checkpoints are kept for that. Every entry here opens a lot, which checkpoints copy.
func TestCheckpointsAreDenseAtTheEnd(t *testing.T) {
	const entries, every = 4_000, 10
	txs := make([]Transaction, entries)
	for i := range txs {
		txs[i] = Transaction{
			ID: fmt.Sprint(i), Sequence: int64(i), Kind: Buy, Date: NewDate(2000, 1, 1) + Date(i), Symbol: "ACME",
			Quantity: decimal.New(1, 0), Price: decimal.New(10, 0), Currency: "USD",
		}
	}
	b := newBook(Portfolio{Base: "USD", Policy: Policy{Method: FIFO}}, txs)
	b.every = every
	derive := func() {
		t.Helper()
		_, err := b.ledger(t.Context(), txs[entries-1].Date, time.Time{})
		require.NoError(t, err)
		assert.LessOrEqual(t, len(b.marks), 2*bits.Len(entries))
		for n := 1; n <= entries; n++ {
			again, follow := n-b.markBefore(n).n, entries-n
			require.LessOrEqual(t, again, follow+2*max(every, entries/markShare), "before entry %d", n)
		}
	}
	derive()
	changed := txs[entries-100]
	changed.Note = "changed"
	b.update(Portfolio{Base: "USD", Policy: b.portfolio.Policy, Version: 1}, []Transaction{changed}, nil)
	derive()
}
