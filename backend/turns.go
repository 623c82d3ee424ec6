package backend

import (
	"context"
	"runtime"
)

// turns lets only as many goroutines compute at once as there are processors. The others
// wait without being runnable, so that a short call, such as a health check, does not have
// to wait for a time slice of each long one.
type turns chan struct{}

func newTurns() turns { return make(turns, runtime.GOMAXPROCS(0)) }

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
