package backend

import (
	"context"
	"slices"
)

const (
	// Two checkpoints are at least markEvery entries apart, and one entry for markShare lots
	// that a checkpoint copies. Copying a lot takes about a hundredth of the time of deriving
	// an entry, so that checkpoints add a third to the time at most.
	markEvery = 1_000
	markShare = 32
)

// mark is a checkpoint: what was derived from the first n entries.
type mark struct {
	n       int
	derived *derivation
}

// at returns the derivation of the first n entries, which is valid until the lock is
// released.
func (b *book) at(ctx context.Context, n int) (*derivation, error) {
	if n < b.booked {
		from := b.markBefore(n)
		d := b.start(from)
		return d, d.book(ctx, b.txs[from.n:n], b.last(n))
	}
	if b.live == nil {
		from := b.markBefore(n)
		b.live, b.booked = b.start(from), from.n
	}
	for b.booked < n {
		next := min(n, b.booked+b.every)
		if err := b.live.book(ctx, b.txs[b.booked:next], b.last(next)); err != nil {
			b.live, b.booked = nil, 0
			return nil, err
		}
		b.booked = next
		if since := b.booked - b.markBefore(n).n; since >= b.every && since*markShare >= b.live.size() {
			b.marks = append(b.marks, mark{b.booked, b.live.clone()})
			b.thin()
		}
	}
	return b.live, nil
}

// thin drops checkpoints, so that two of them are as far from each other as from the end:
// there are few, and a change derives again about as many entries as follow it.
func (b *book) thin() {
	for i := len(b.marks) - 2; i >= 0; i-- {
		before, after := 0, b.marks[i+1].n
		if i > 0 {
			before = b.marks[i-1].n
		}
		if after-before <= b.booked-after {
			b.marks = slices.Delete(b.marks, i, i+1)
		}
	}
}

// markBefore returns the last checkpoint of at most n entries.
func (b *book) markBefore(n int) mark {
	for _, m := range slices.Backward(b.marks) {
		if m.n <= n {
			return m
		}
	}
	return mark{}
}

func (b *book) start(m mark) *derivation {
	if m.derived == nil {
		return newDerivation(b.portfolio.Policy)
	}
	return m.derived.clone()
}
