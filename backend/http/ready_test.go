package http_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type readyReport struct {
	Status string
	Checks map[string]struct {
		Status    string
		LatencyMS *float64 `json:"latencyMs"`
	}
}

func TestReady(t *testing.T) {
	up := func(context.Context) error { return nil }
	down := func(context.Context) error { return errors.New("secret-detail") }
	for name, test := range map[string]struct {
		database, cache func(context.Context) error
		status          int
		want            []string // the report's, the database's, the cache's
	}{
		"all up":    {up, up, 200, []string{"ready", "up", "up"}},
		"one down":  {up, down, 503, []string{"unavailable", "up", "down"}},
		"both down": {down, down, 503, []string{"unavailable", "down", "down"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakes()
			f.checks = map[string]func(context.Context) error{"database": test.database, "cache": test.cache}
			response, body := get(t, f.serve(t).URL+"/ready")
			var r readyReport
			require.NoError(t, json.Unmarshal([]byte(body), &r), body)
			assert.Equal(t, test.status, response.StatusCode)
			assert.Equal(t, test.want, []string{r.Status, r.Checks["database"].Status, r.Checks["cache"].Status})
			for name, check := range r.Checks {
				assert.NotNil(t, check.LatencyMS, name)
			}
			assert.NotContains(t, body, "secret-detail")
		})
	}
}

// However many calls arrive at once, each dependency is checked once and concurrently
// with the others, and one that does not respond takes two seconds.
func TestReadyIsCheapAndBounded(t *testing.T) {
	f := newFakes()
	var asked atomic.Int32
	hanging := func(ctx context.Context) error {
		asked.Add(1)
		<-ctx.Done()
		return ctx.Err()
	}
	f.checks = map[string]func(context.Context) error{"one": hanging, "two": hanging}
	server := f.serve(t)
	began := time.Now()
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() {
			response, _ := get(t, server.URL+"/ready")
			assert.Equal(t, 503, response.StatusCode)
		})
	}
	callers.Wait()
	assert.Less(t, time.Since(began), 3*time.Second)
	assert.Equal(t, int32(2), asked.Load())
}
