package main

import (
	"bytes"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	if runYardstick() { // this process is a child of TestMeasure
		return
	}
	os.Exit(m.Run())
}

// The quick mode measures everything.
func TestMeasure(t *testing.T) {
	var progress bytes.Buffer
	r, err := measure(t.Context(), quick, parts, &progress)
	require.NoError(t, err, progress.String())
	text := r.markdown()
	assert.NotContains(t, text, "NaN")
	for _, want := range []string{
		"| push lag, p99 |", "| valuation, processor time |", "| post, processor time |",
		"| history, 5 days of 100 symbols, median |",
		"| first answer, holdings with lots, median |", "| import of 1000 rows, median |",
		"| backdated change, 1357 entries, median |", "| change, 1357 entries to 14 |",
		"| deriving 137 splits and trades, to 137 trades |", "| /health under overload, p99 |",
		"| refused with 503 and Retry-After under overload |", "all of them priced, 160 transactions\nstored",
		"**Push.** 20 connections",
	} {
		assert.Contains(t, text, want)
	}
}

func TestArguments(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"--help"}, sizes{}, &out, &out))
	assert.Equal(t, usage, out.String())
	for _, args := range [][]string{{"now"}, {"--soon"}, {"--only", "everything"}} {
		assert.ErrorIs(t, run(t.Context(), args, sizes{}, &out, &out), errArguments, args)
	}
}

func TestArrivals(t *testing.T) {
	var a arrivals
	a.add("c", []byte(`{"type":"snapshot","quotes":[{"received":"2026-01-05T10:00:00Z"}]}`))
	a.add("c", []byte(`{"type":"delta","quotes":[]}`))
	old, fresh := time.Now().Add(-time.Hour).UTC(), time.Now().UTC()
	a.add("c", fmt.Appendf(nil, `{"type":"delta","quotes":[{"received":%q},{"received":%q}]}`,
		fresh.Format(time.RFC3339Nano), old.Format(time.RFC3339Nano)))
	lags, malformed := a.take()
	assert.Equal(t, []int64{1, 1}, []int64{a.snapshots.Load(), int64(malformed)})
	require.Len(t, lags, 1)
	assert.GreaterOrEqual(t, lags[0], time.Hour)
}
