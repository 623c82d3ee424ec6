package push_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// Another instance takes over from one that shuts down at once, and from one that
// crashes when its leases expire. The sequence numbers continue to grow.
func TestTakeOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.hold("p", "A")
		w.quote("A", 1)
		one, stopOne := w.engine("one")
		c := w.connect("c")
		w.subscribe(one, "c", "p", 0)
		process()
		two, stopTwo := w.engine("two")
		w.quote("A", 2, one, two)
		process()
		assert.Equal(t, []string{"snapshot", "delta"}, w.types(c), "one publisher at a time")
		before := c.sequence["p"]

		stopOne()
		w.quote("A", 3, two)
		wait(2 * time.Second)
		assert.Equal(t, "3", w.total(c, "p"))
		assert.Greater(t, c.sequence["p"], before)
		assert.Equal(t, []string{"snapshot", "delta", "snapshot"}, w.types(c))

		// The next publisher crashes: its lease stays and is not renewed.
		stopTwo()
		w.mu.Lock()
		w.leases["p"] = lease{instance: "crashed", epoch: w.leases["p"].epoch + 1}
		w.instances["crashed"] = time.Now().Add(8 * time.Second)
		w.mu.Unlock()
		three, stopThree := w.engine("three")
		defer stopThree()
		w.quote("A", 4, three)
		wait(7 * time.Second)
		assert.Equal(t, "3", w.total(c, "p"), "while the lease is valid")
		wait(3 * time.Second)
		assert.Equal(t, "4", w.total(c, "p"))
		w.quote("A", 5, three)
		process()
		assert.Equal(t, "5", w.total(c, "p"))
	})
}

// An instance that cannot renew its leases stops publishing before another may start.
func TestStopsWhenLeaseIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, e, c := watchedBy(t, "c")
		w.mu.Lock()
		w.storeErr = errors.New("database unreachable")
		until := w.instances["one"]
		w.mu.Unlock()
		wait(time.Until(until))
		w.quote("A", 2, e)
		process()
		assert.Equal(t, "1", w.total(c, "p"))
		w.mu.Lock()
		w.storeErr = nil
		w.mu.Unlock()
		wait(2 * time.Second)
		assert.Equal(t, "2", w.total(c, "p"), "publishing resumes")
	})
}
