package push

import (
	"context"
	"sync"
)

// queue is a first-in, first-out queue without a limit: its users keep each item in
// it at most once, so the number of items bounds it.
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

// signal wakes a waiting take; the lock is held.
func (q *queue[T]) signal() {
	if len(q.items) == 0 {
		return
	}
	select {
	case q.more <- struct{}{}:
	default:
	}
}
