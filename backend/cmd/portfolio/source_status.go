package main

import (
	"context"
	"slices"
	"time"

	"portfolio/backend/source"
	"portfolio/contract/metric"
)

// failingAfter is how long after its last success a source that fails counts as
// failing.
const failingAfter = 15 * time.Minute

// sourceStates reads the states of the sources that this service asks.
type sourceStates struct {
	traits []source.Traits
	store  interface {
		source.Store
		// OwnedSymbols returns those of the symbols that an owner has entries of.
		OwnedSymbols(ctx context.Context, owner string, symbols []string) ([]string, error)
	}
	now func() time.Time
}

// SourceStatuses implements the HTTP layer's Sources.
func (s sourceStates) SourceStatuses(ctx context.Context, owner string) ([]source.Status, error) {
	var statuses []source.Status
	var symbols []string
	for _, t := range s.traits {
		state, err := s.store.LoadSource(ctx, t.Name)
		if err != nil {
			return nil, err
		}
		status := source.StatusOf(t, state, s.now())
		statuses, symbols = append(statuses, status), append(symbols, status.Symbols()...)
	}
	owned, err := s.store.OwnedSymbols(ctx, owner, symbols)
	if err != nil {
		return nil, err
	}
	for i := range statuses {
		statuses[i].Keep(func(symbol string) bool { return slices.Contains(owned, symbol) })
	}
	return statuses, nil
}

// count records how many sources are failing, and how many prices are held back.
func (s sourceStates) count(ctx context.Context, record func(metric.Metric, float64)) error {
	if len(s.traits) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()
	failing, held := 0, 0
	for _, t := range s.traits {
		state, err := s.store.LoadSource(ctx, t.Name)
		if err != nil {
			return err
		}
		if state.Outcome != "" && s.now().Sub(state.LastSuccess) > failingAfter {
			failing++
		}
		held += len(source.StatusOf(t, state, s.now()).Held)
	}
	record(metric.FailingSources, float64(failing))
	record(metric.HeldPrices, float64(held))
	return nil
}
