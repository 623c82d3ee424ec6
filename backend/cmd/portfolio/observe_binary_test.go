package main_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A process that ends writes the metrics of its last minute to the log.
func TestMetricsAreWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := start(t, w.env)
	i.eventually("/ready", http.StatusOK)
	require.NoError(t, i.process.Signal(syscall.SIGTERM))
	code, err := i.exit(10 * time.Second)
	require.NoError(t, err)
	require.Zero(t, code, i.log())

	got := map[string]any{}
	for line := range strings.Lines(i.log()) {
		var l map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &l), line)
		if l["_aws"] == nil {
			continue
		}
		assert.Equal(t, "test", l["Environment"])
		if l["Route"] == "GET /ready" {
			got["requests"] = l["RequestDuration"].(map[string]any)["Count"]
		}
		if l["Route"] == nil {
			got["connections"], got["pool"] = l["OpenConnections"], l["PoolUse"]
		}
	}
	assert.Contains(t, got, "requests")
	assert.Equal(t, 0.0, got["connections"])
	assert.NotNil(t, got["pool"])
}
