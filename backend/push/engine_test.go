package push_test

import (
	"testing"
	"testing/synctest"
	"time"

	"portfolio/backend"
	"portfolio/backend/push"

	"github.com/stretchr/testify/assert"
)

// process waits until everything that is due now has been done.
func process() { wait(150 * time.Millisecond) }

// wait waits for a time and for what is due then.
func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestSnapshotThenDeltas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.hold("p", "A", "B")
		w.hold("other", "C")
		e, stop := w.engine("one")
		defer stop()
		c := w.connect("c")
		w.quote("A", 10)
		w.quote("B", 5)
		w.subscribe(e, "c", "p", 0)
		process()
		assert.Equal(t, "15", w.total(c, "p"))
		w.quote("A", 11, e)
		process()
		w.quote("C", 99, e) // not held by p
		process()
		w.quote("B", 6, e)
		process()
		assert.Equal(t, "17", w.total(c, "p"))
		assert.Equal(t, []string{"snapshot", "delta", "delta"}, w.types(c))
		first := c.messages[0].Sequence
		assert.Equal(t, int64(1<<24+1), first, "epoch 1, number 1")
		assert.Equal(t, []int64{first, first + 1}, []int64{c.messages[1].After, c.messages[2].After})
		assert.Len(t, c.messages[1].Positions, 1, "only the position that changed")

		assert.NoError(t, e.Unsubscribe(t.Context(), "c", "p"))
		process()
		w.quote("A", 12, e)
		process()
		assert.Len(t, c.messages, 3)
		wait(15 * time.Second)
		w.mu.Lock()
		defer w.mu.Unlock()
		assert.False(t, w.leased("p"), "the lease is released")
	})
}

func TestPriceBecomesStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.hold("p", "A")
		e, stop := w.engine("one")
		defer stop()
		c := w.connect("c")
		w.quote("A", 10)
		w.subscribe(e, "c", "p", 0)
		process()
		assert.Equal(t, backend.StatePriced, w.view(c, "p").State)
		wait(backend.StaleAfter + 2*time.Second)
		assert.Equal(t, backend.StateStale, w.view(c, "p").State)
		assert.True(t, w.view(c, "p").Quotes[0].Stale)
		assert.Equal(t, []string{"snapshot", "delta"}, w.types(c))
	})
}

// A price that changes while a portfolio is valued for the first time, or with a
// symbol that is new to it, is not lost.
func TestChangeDuringValuation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, e := watchedWorld(t)
		c := w.connect("c")
		w.slow = func() { time.Sleep(time.Second) }
		w.subscribe(e, "c", "p", 0)
		wait(500 * time.Millisecond)
		w.quote("A", 2, e)
		wait(3 * time.Second)
		assert.Equal(t, "2", w.total(c, "p"))

		w.quote("B", 5)
		w.hold("p", "A", "B")
		e.Changed(backend.Change{Portfolio: "p"})
		wait(500 * time.Millisecond)
		w.quote("B", 6, e)
		wait(3 * time.Second)
		assert.Equal(t, "8", w.total(c, "p"))
	})
}

// Nothing waits for a slow client. Once it can take a message, it receives one with
// the last price.
func TestSlowClientSkipsStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.hold("p", "A", "B")
		w.quote("B", 1)
		w.quote("A", 1)
		e, stop := w.engine("one")
		defer stop()
		slow, fast := w.connect("slow"), w.connect("fast")
		w.answer["slow"] = func() error { time.Sleep(2 * time.Second); return nil }
		w.subscribe(e, "slow", "p", 0)
		w.subscribe(e, "fast", "p", 0)
		wait(3 * time.Second) // until both have a snapshot
		for price := range int64(30) {
			w.quote("A", 10+price, e)
			wait(50 * time.Millisecond)
		}
		assert.Equal(t, "40", w.total(fast, "p"))
		assert.Len(t, w.types(fast), 31, "the snapshot and every price")
		wait(5 * time.Second)
		assert.Equal(t, "40", w.total(slow, "p"))
		assert.Len(t, w.types(slow), 3, "the snapshot, the first and the last price")
		assert.Equal(t, fast.sequence["p"], slow.sequence["p"])
		assert.Equal(t, slow.messages[1].Sequence, slow.messages[2].After)
	})
}

func TestClientFarBehindReceivesOneDelta(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, e := watchedWorld(t)
		slow := w.connect("slow")
		w.answer["slow"] = func() error { time.Sleep(2900 * time.Millisecond); return nil }
		w.subscribe(e, "slow", "p", 0)
		wait(3 * time.Second)
		for price := range int64(200) {
			w.quote("A", 10+price, e)
			wait(10 * time.Millisecond)
		}
		wait(7 * time.Second)
		assert.Equal(t, "209", w.total(slow, "p"))
		assert.Equal(t, []string{"snapshot", "delta", "delta"}, w.types(slow))
	})
}

func TestResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, e, old := watchedBy(t, "old")
		view, seen := old.view["p"], old.sequence["p"]
		for price := range int64(5) {
			w.quote("A", 10+price, e)
			process()
		}
		for _, test := range []struct {
			name  string
			after int64
			want  []string
		}{
			{"missed some", seen, []string{"delta"}},
			{"missed none", seen + 5, nil},
			{"another epoch", seen - 1<<24, []string{"snapshot"}},
			{"unknown number", seen + 6, []string{"snapshot"}},
		} {
			c := w.connect(test.name)
			c.view["p"] = view
			if test.name != "unknown number" {
				c.sequence["p"] = test.after
			}
			w.subscribe(e, test.name, "p", test.after)
			process()
			assert.Equal(t, test.want, w.types(c), test.name)
			if test.want != nil {
				assert.Equal(t, "14", w.total(c, "p"), test.name)
			}
		}
	})
}

// Each client of a deleted portfolio receives one notice, whether or not an instance
// publishes the portfolio. A connection whose key ended receives a notice, is closed,
// and receives nothing more.
func TestDeletedPortfolioAndEndedKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.hold("p", "A")
		w.hold("q", "A")
		w.quote("A", 1)
		e, stop := w.engine("one")
		defer stop()
		c, idle, ended := w.connect("c"), w.connect("idle"), w.connect("ended")
		w.subscribe(e, "c", "p", 0)
		w.subscribe(e, "ended", "q", 0)
		process()
		w.mu.Lock()
		delete(w.ledgers, "p")
		delete(w.subs, "p") // as the database does
		delete(w.leases, "p")
		w.notices = []push.Notice{
			{ID: 1, Connection: w.connections["c"], Deleted: "p"}, {ID: 2, Connection: w.connections["idle"], Deleted: "p"},
			{ID: 3, Connection: w.connections["ended"]},
		}
		w.mu.Unlock()
		e.Changed(backend.Change{Portfolio: "p"})
		wait(time.Second)
		w.quote("A", 2, e)
		process()
		assert.Equal(t, []string{"snapshot", "error"}, w.types(c))
		assert.Equal(t, []string{"p", "not_found"}, []string{c.messages[1].Portfolio, c.messages[1].Code})
		assert.Equal(t, []string{"error"}, w.types(idle))
		assert.Equal(t, []string{"snapshot", "error"}, w.types(ended))
		assert.Equal(t, `{"type":"error","code":"unauthorized","message":"the API key of this connection has ended"}`,
			ended.raw[1])
		assert.Equal(t, []string{"ended"}, w.closed)
		assert.Equal(t, []string{"ended"}, w.forgotten)
	})
}

// A revocation takes effect at once, without waiting for the next look for notices.
func TestRevocationIsImmediate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine("one")
		defer stop()
		process()
		w.connect("c")
		w.mu.Lock()
		w.notices = []push.Notice{{ID: 1, Connection: w.connections["c"]}}
		w.mu.Unlock()
		e.Changed(backend.Change{RevokedKey: "key-c"})
		synctest.Wait()
		assert.Equal(t, []string{"c"}, w.closed)
	})
}
