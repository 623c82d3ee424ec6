package push_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"portfolio/backend/push"
	"portfolio/contract/wire"

	"github.com/stretchr/testify/assert"
)

func TestGoneConnectionsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, e := watchedWorld(t)
		for i := range 200 {
			id := fmt.Sprint("gone-", i)
			w.connect(id)
			w.subscribe(e, id, "p", 0)
		}
		c := w.connect("c")
		w.subscribe(e, "c", "p", 0)
		process()
		tries := 0
		for i := range 200 {
			w.answer[fmt.Sprint("gone-", i)] = func() error {
				w.mu.Lock()
				defer w.mu.Unlock()
				tries++
				return push.ErrGone
			}
		}
		w.quote("A", 2, e)
		process()
		w.quote("A", 3, e)
		process()
		assert.Equal(t, "3", w.total(c, "p"))
		assert.Equal(t, 200, tries, "one post to each connection that is gone")
		assert.Len(t, w.forgotten, 200)
		assert.NotContains(t, w.forgotten, "c")
		assert.Len(t, w.subs["p"], 1)
	})
}

func TestLimitedPostsBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, e := watchedWorld(t)
		limited, free := w.connect("limited"), w.connect("free")
		w.subscribe(e, "limited", "p", 0)
		w.subscribe(e, "free", "p", 0)
		process()
		tries, full := 0, true
		w.answer["limited"] = func() error {
			w.mu.Lock()
			defer w.mu.Unlock()
			if tries++; full {
				return push.ErrLimited
			}
			return nil
		}
		for price := range int64(100) {
			w.quote("A", 10+price, e)
			wait(100 * time.Millisecond)
		}
		assert.Equal(t, "109", w.total(free, "p"))
		assert.Less(t, tries, 12, "few posts in 10 s, as pauses double")
		assert.Greater(t, tries, 3)
		w.mu.Lock()
		full = false
		w.mu.Unlock()
		wait(16 * time.Second) // longer than the longest pause
		assert.Equal(t, "109", w.total(limited, "p"))
	})
}

// A client receives a snapshot after errors that leave open what has arrived.
func TestFailuresEndInSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, e, c := watchedBy(t, "c")
		failures := 0
		w.answer["c"] = func() error { // called by one post at a time
			if failures++; failures <= 1 || failures >= 3 && failures <= 5 {
				return errors.New("reset by peer")
			}
			return nil
		}
		w.quote("A", 2, e)
		wait(3 * time.Second)
		assert.Equal(t, []string{"snapshot", "delta"}, w.types(c), "after one failure, the same delta")
		w.quote("A", 3, e)
		wait(10 * time.Second)
		assert.Equal(t, []string{"snapshot", "delta", "snapshot"}, w.types(c))
		assert.Equal(t, "3", w.total(c, "p"))
	})
}

func TestKeepAliveAndReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.hold("p", "A")
		e, stop := w.engine("one")
		defer stop()
		c := w.connect("c")
		w.subscribe(e, "c", "p", 0)
		wait(2*time.Hour - time.Minute)
		count := map[string]int{}
		for _, m := range c.messages {
			count[m.Type]++
		}
		assert.Equal(t, 1, count["reconnect"])
		assert.GreaterOrEqual(t, count["keepalive"], 12)
		assert.LessOrEqual(t, count["keepalive"], 13)
		for _, m := range c.messages {
			if m.Type == "reconnect" {
				assert.InDelta(t, 300, m.WithinSeconds, 3)
			}
		}
	})
}

func TestLargeSnapshotIsDivided(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var symbols []string
		for i := range 2000 {
			symbol := fmt.Sprintf("S%04d", i)
			symbols = append(symbols, symbol)
			w.quote(symbol, 1)
		}
		w.hold("p", symbols...)
		e, stop := w.engine("one")
		defer stop()
		c := w.connect("c")
		w.subscribe(e, "c", "p", 0)
		process()
		assert.Equal(t, "2000", w.total(c, "p"))
		assert.Greater(t, len(c.messages), 3)
		assert.Equal(t, len(c.messages), c.messages[0].Parts)
		assert.Len(t, c.view["p"].Positions, 2000)
		assert.Len(t, c.view["p"].Quotes, 2000)
		for _, text := range c.raw {
			assert.Less(t, len(text), wire.MaxMessage)
			assert.True(t, strings.HasPrefix(text, `{"type":"snapshot"`))
		}
	})
}
