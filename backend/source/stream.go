package source

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"
)

// streamCheck is how often a stream looks whether other symbols are wanted.
const streamCheck = time.Minute

// stream receives prices until ctx ends. It connects again after a failure, with
// pauses that grow, and when other symbols are wanted.
func (f *Feed) stream(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; {
		demand, err := f.Wants.Wanted(ctx)
		if err != nil || len(demand.Instruments) == 0 {
			if !f.Sleep(ctx, idleFor) {
				return
			}
			continue
		}
		began := f.Now()
		err = f.streamOnce(ctx, demand.Instruments)
		if err == nil || ctx.Err() != nil {
			continue
		}
		f.Log.Warn("stream ended", "source", f.Source.Traits().Name, slog.Any("error", err))
		if failures++; f.Now().Sub(began) > streamCheck {
			failures = 0
		}
		if !f.Sleep(ctx, min(firstPause<<min(failures, 8), longestPause)) {
			return
		}
	}
}

// streamOnce receives prices of instruments until others are wanted, which is
// not an error.
func (f *Feed) streamOnce(ctx context.Context, instruments []Instrument) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	bySymbol := map[string]Instrument{}
	for _, i := range instruments {
		bySymbol[i.Symbol] = i
	}
	changed := make(chan struct{})
	go func() {
		defer cancel()
		for f.Sleep(ctx, streamCheck) {
			if demand, err := f.Wants.Wanted(ctx); err == nil && !sameSymbols(demand.Instruments, instruments) {
				close(changed)
				return
			}
		}
	}()
	err := f.Source.Stream(ctx, instruments, func(p Price) {
		i := bySymbol[p.Symbol]
		f.mu.Lock()
		s := f.state.symbol(i.Symbol)
		s.Latest = f.Now()
		f.mu.Unlock()
		accepted := f.accept(i, s, []Price{p})
		if err := f.write(ctx, accepted, nil); err != nil {
			f.Log.Error("writing a price failed", "symbol", p.Symbol, slog.Any("error", err))
		}
	})
	select {
	case <-changed:
		return nil
	default:
	}
	return errors.Join(err)
}

func sameSymbols(a, b []Instrument) bool {
	return slices.EqualFunc(a, b, func(a, b Instrument) bool {
		return a.Symbol == b.Symbol && a.ID == b.ID && a.MIC == b.MIC
	})
}
