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
