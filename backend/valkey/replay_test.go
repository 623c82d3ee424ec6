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

// shared is a memory that can be away.
type shared struct {
	seen map[string]bool
	away bool
	hang bool // it does not answer at all
}

func (s *shared) Remember(ctx context.Context, id string, _ time.Duration) (bool, error) {
	if s.hang {
		<-ctx.Done()
		return false, ctx.Err()
	}
	if s.away {
		return false, errors.New("away")
	}
	first := !s.seen[id]
	s.seen[id] = true
	return first, nil
}

func TestReplayOutlivesTheSharedMemory(t *testing.T) {
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

		s.away = true
		assert.False(t, first(one, "a"), "the instance remembers what it told the shared memory")
		assert.True(t, first(one, "b"), "service goes on")
		assert.False(t, first(one, "b"))
		s.away = false
		assert.False(t, first(one, "b"), "and afterwards it still knows")
		assert.True(t, first(one, "c"))
		assert.Equal(t, 1, strings.Count(lines.String(), "shared replay memory failed"), lines.String())
		assert.Equal(t, 1, strings.Count(lines.String(), "shared replay memory is available again"), lines.String())

		s.hang = true
		began := time.Now()
		assert.True(t, first(one, "d"))
		assert.LessOrEqual(t, time.Since(began), time.Second)

		time.Sleep(time.Minute)
		assert.True(t, first(one, "d"), "forgotten after its time")
	})
}

func TestReplayIsBounded(t *testing.T) {
	const limit = 100_000
	away := valkey.NewReplay(&shared{away: true}, slog.New(slog.DiscardHandler))
	for i := range limit + 1 {
		_, err := away.Remember(t.Context(), fmt.Sprint(i), time.Hour)
		require.NoError(t, err)
	}
	first, err := away.Remember(t.Context(), "0", time.Hour)
	require.NoError(t, err)
	assert.True(t, first, "the oldest is forgotten")
	first, err = away.Remember(t.Context(), fmt.Sprint(limit), time.Hour)
	require.NoError(t, err)
	assert.False(t, first)
}
