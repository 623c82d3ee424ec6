package push_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

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
		m := newMarket(seed, 2)
		l := m.start(1)
		s := series{Valuations: []json.RawMessage{json.RawMessage(text(t, l.Valuation))}}
		for len(s.Deltas) < 8 {
			m.step()
			v := m.value()
			if !l.Advance(&v) {
				continue
			}
			d, _ := l.Since(l.Sequence - 1)
			s.Valuations = append(s.Valuations, json.RawMessage(text(t, v)))
			s.Deltas = append(s.Deltas, json.RawMessage(text(t, d)))
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
