package push

import (
	"context"
	"sync"
)

// queue is first in, first out. It grows as needed: those who use it put each
// item in once at a time, so the number of items bounds it.
type queue[T any] struct {
	mu    sync.Mutex
	items []T
	more  chan struct{} // holds one while there are items
}

func newQueue[T any]() *queue[T] { return &queue[T]{more: make(chan struct{}, 1)} }

func (q *queue[T]) put(item T) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.items = append(q.items, item)
	q.signal()
}

// take waits for an item. It reports false once ctx has ended.
func (q *queue[T]) take(ctx context.Context) (item T, ok bool) {
	for {
		select {
		case <-ctx.Done():
			return item, false
		case <-q.more:
		}
		q.mu.Lock()
		if len(q.items) > 0 {
			item = q.items[0]
			var none T
			q.items[0] = none
			q.items = q.items[1:]
			q.signal()
			q.mu.Unlock()
			return item, true
		}
		q.mu.Unlock()
	}
}

// signal is called with the lock held.
func (q *queue[T]) signal() {
	if len(q.items) == 0 {
		return
	}
	select {
	case q.more <- struct{}{}:
	default:
	}
}
