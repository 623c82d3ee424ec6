package backend

import (
	"context"
	"runtime"
)

// turns lets one goroutine fewer than there are processors compute at once, but at least
// one. The others wait without being runnable, and one processor is left for short calls, such
// as health checks, which do not have to wait for the time slices of long ones.
type turns chan struct{}

func newTurns() turns { return make(turns, max(1, runtime.GOMAXPROCS(0)-1)) }

// do calls a function, which must not wait for anything.
func (t turns) do(compute func()) {
	t <- struct{}{}
	defer func() { <-t }()
	compute()
}

// newReaders returns the turns of calls that read many prices: two for each processor.
// The others wait, so that short calls find connections to the database.
func newReaders() turns { return make(turns, 2*runtime.GOMAXPROCS(0)) }

// enter waits for a turn, and returns how to end it.
func (t turns) enter(ctx context.Context) (leave func(), err error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case t <- struct{}{}:
		return func() { <-t }, nil
	}
}

// inTurns is a market whose quotes are handled in turns, symbol by symbol.
type inTurns struct {
	Market
	turns turns
}

func (m inTurns) QuoteSeries(
	ctx context.Context, symbols []string, from, to Date, each func(string, *Closes) error,
) error {
	return m.Market.QuoteSeries(ctx, symbols, from, to, func(symbol string, closes *Closes) (err error) {
		m.turns.do(func() { err = each(symbol, closes) })
		return err
	})
}
