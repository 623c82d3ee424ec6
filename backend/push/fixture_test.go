package push_test

import (
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/push"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write testdata/deltas.json")

// series is the valuations of one portfolio, and the deltas between them.
type series struct {
	Valuations []json.RawMessage `json:"valuations"`
	Deltas     []json.RawMessage `json:"deltas"` // the i-th leads from valuation i to i+1
}

// The page's tests apply the deltas of testdata/deltas.json, so it holds what the service
// sends.
func TestFixtureOfDeltas(t *testing.T) {
	var list []series
	for seed := range uint64(6) {
		m := &market{
			Rand:   rand.New(rand.NewPCG(seed, 2)),
			prices: backend.Prices{Quotes: map[string]backend.Quote{}, Rates: map[backend.Pair]backend.Rate{}},
			now:    time.Date(2026, 1, 2, 3, 4, 5, 678_901_234, time.UTC),
		}
		last := backend.Value(m.ledger, "USD", m.now, m.prices)
		s := series{Valuations: []json.RawMessage{json.RawMessage(text(t, last))}}
		for len(s.Deltas) < 8 {
			m.step()
			v := backend.Value(m.ledger, "USD", m.now, m.prices)
			d, changed := push.Diff(&last, &v)
			if !changed {
				continue
			}
			s.Valuations = append(s.Valuations, json.RawMessage(text(t, v)))
			s.Deltas = append(s.Deltas, json.RawMessage(text(t, d)))
			last = v
		}
		list = append(list, s)
	}
	got := text(t, list) + "\n"
	path := filepath.Join("testdata", "deltas.json")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got, "go test ./backend/push -run Fixture -update writes it")
}
