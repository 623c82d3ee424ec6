package backend

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// However many goroutines want to compute, one fewer than there are processors do, and
// all get their turn.
func TestTurns(t *testing.T) {
	turns := newTurns()
	var now, most, done atomic.Int64
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			turns.do(func() {
				n := now.Add(1)
				for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
				}
				runtime.Gosched()
				now.Add(-1)
			})
			done.Add(1)
		})
	}
	all.Wait()
	if limit := int64(max(1, runtime.GOMAXPROCS(0)-1)); most.Load() > limit || done.Load() != 200 {
		t.Errorf("%d of 200 had their turn, %d at once, want at most %d", done.Load(), most.Load(), limit)
	}
}

// A call that reads many prices waits for others, but not longer than its caller does.
func TestReadersWait(t *testing.T) {
	readers := newReaders()
	var leave func()
	for range cap(readers) {
		var err error
		if leave, err = readers.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ended, cancel := newEnded(t)
	defer cancel()
	if _, err := readers.enter(ended); err == nil {
		t.Error("enter() of one more = nil, want an error")
	}
	leave()
	if _, err := readers.enter(t.Context()); err != nil {
		t.Errorf("enter() after one has left = %v, want nil", err)
	}
}
