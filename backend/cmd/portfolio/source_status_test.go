package main

import (
	"context"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/source"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fakeStates is what is stored of sources. Every owner has entries of their own name.
type fakeStates map[string]source.State

func (f fakeStates) LoadSource(_ context.Context, name string) (source.State, error) {
	return f[name], nil
}

func (f fakeStates) SaveSource(context.Context, string, source.State) error { return nil }

func (f fakeStates) OwnedSymbols(_ context.Context, owner string, _ []string) ([]string, error) {
	return []string{owner}, nil
}

// statesAt are a source that works and holds a price back, and one that has failed for
// an hour.
func statesAt(at time.Time) sourceStates {
	return sourceStates{
		traits: []source.Traits{{Name: "one"}, {Name: "two"}, {Name: "three"}},
		store: fakeStates{
			"one": {LastSuccess: at, Symbols: map[string]*source.Symbol{
				"ACME": {Held: &source.Held{Quote: backend.Quote{Symbol: "ACME"}}}, "BIG": {Outcome: source.UnknownSymbol},
			}},
			"two":   {LastSuccess: at.Add(-time.Hour), Outcome: source.Unauthorised},
			"three": {LastSuccess: at.Add(-time.Minute), Outcome: source.Temporary},
		},
		now: func() time.Time { return at },
	}
}

func TestSourceStatuses(t *testing.T) {
	got, err := statesAt(noon).SourceStatuses(t.Context(), "BIG")
	require.NoError(t, err)
	require.Len(t, got, 3)
	assert.Equal(t, []source.Condition{source.Working, source.Refused, source.Failing},
		[]source.Condition{got[0].State, got[1].State, got[2].State})
	assert.Equal(t, map[string]source.Outcome{"BIG": source.UnknownSymbol}, got[0].Problems)
	assert.Empty(t, got[0].Held, "another owner's symbol")
	got, err = statesAt(noon).SourceStatuses(t.Context(), "ACME")
	require.NoError(t, err)
	assert.Len(t, got[0].Held, 1)
	assert.Empty(t, got[0].Problems)
}
