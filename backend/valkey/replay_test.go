package valkey_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"portfolio/backend/valkey"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shared is a shared memory that can fail.
type shared struct {
	seen map[string]bool
	down bool
	hang bool // calls do not return before their deadline
}

func (s *shared) Remember(ctx context.Context, id string, _ time.Duration) (bool, error) {
	if s.hang {
		<-ctx.Done()
		return false, ctx.Err()
	}
	if s.down {
		return false, errors.New("unavailable")
	}
	first := !s.seen[id]
	s.seen[id] = true
	return first, nil
}

func TestReplayWithoutSharedMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines bytes.Buffer
		s := &shared{seen: map[string]bool{}}
		log := slog.New(slog.NewTextHandler(&lines, nil))
		one, two := valkey.NewReplay(s, log), valkey.NewReplay(s, log)
		first := func(r *valkey.Replay, id string) bool {
			first, err := r.Remember(t.Context(), id, time.Minute)
			require.NoError(t, err)
			return first
		}
		assert.True(t, first(one, "a"))
		assert.False(t, first(one, "a"))
		assert.False(t, first(two, "a"), "seen by another instance")

		s.down = true
		assert.False(t, first(one, "a"), "remembered by the instance too")
		assert.True(t, first(one, "b"), "a new id is accepted")
		assert.False(t, first(one, "b"))
		s.down = false
		assert.False(t, first(one, "b"), "still remembered afterwards")
		assert.True(t, first(one, "c"))
		assert.Equal(t, 1, strings.Count(lines.String(), "shared replay memory failed"), lines.String())
		assert.Equal(t, 1, strings.Count(lines.String(), "shared replay memory is available again"), lines.String())

		s.hang = true
		began := time.Now()
		assert.True(t, first(one, "d"))
		assert.LessOrEqual(t, time.Since(began), time.Second)

		time.Sleep(time.Minute)
		assert.True(t, first(one, "d"), "forgotten after its ttl")
	})
}

func TestReplayIsBounded(t *testing.T) {
	const limit = 100_000
	r := valkey.NewReplay(&shared{down: true}, slog.New(slog.DiscardHandler))
	for i := range limit + 1 {
		_, err := r.Remember(t.Context(), fmt.Sprint(i), time.Hour)
		require.NoError(t, err)
	}
	first, err := r.Remember(t.Context(), "0", time.Hour)
	require.NoError(t, err)
	assert.True(t, first, "the oldest is forgotten")
	first, err = r.Remember(t.Context(), fmt.Sprint(limit), time.Hour)
	require.NoError(t, err)
	assert.False(t, first)
}
