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
	r, err := measure(t.Context(), quick, &progress)
	require.NoError(t, err, progress.String())
	assert.Equal(t, []any{160, "priced", 0}, []any{r.stored, r.state, r.malformed})
	assert.Equal(t, []int{3, 3, 3}, []int{len(r.many.list), len(r.many.valuation), len(r.many.reload)})
	assert.NotEmpty(t, r.valued.times)
	assert.NotEmpty(t, r.valuedBare.times)
	assert.Positive(t, r.postCostBare)
	assert.Positive(t, r.updates)
	assert.NotEmpty(t, r.lags)
	assert.GreaterOrEqual(t, r.lags.at(0), time.Duration(0))
	for _, row := range []string{"push lag, p99", "valuation, processor time", "post, processor time"} {
		assert.Contains(t, r.markdown(), "| "+row+" |")
	}
}

func TestArguments(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"--help"}, sizes{}, &out, &out))
	assert.Equal(t, usage, out.String())
	for _, args := range [][]string{{"now"}, {"--soon"}} {
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
