package backend

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// batches makes at most one call at a time for each key. Callers that arrive while a
// call is in flight share the next one, so that a result is never older than a request
// for it.
type batches[T any] struct {
	mu      sync.Mutex
	running map[string]*batch[T] // by key
}

// batch is the callers that share a call.
type batch[T any] struct {
	call   func(context.Context) (T, error)
	done   chan struct{} // closed once there is a result
	result T
	err    error
	next   *batch[T] // callers that arrived since the call began
}

func newBatches[T any]() *batches[T] { return &batches[T]{running: map[string]*batch[T]{}} }

// do returns the result of a call that begins no earlier than now. The call ends
// after a time limit, and otherwise goes on without the caller, since others may
// wait for it.
func (s *batches[T]) do(ctx context.Context, key string, limit time.Duration,
	call func(context.Context) (T, error)) (T, error) {
	b := &batch[T]{call: call, done: make(chan struct{})}
	s.mu.Lock()
	switch current := s.running[key]; {
	case current == nil:
		s.running[key] = b
		go s.run(context.WithoutCancel(ctx), key, limit, b)
	case current.next == nil:
		current.next = b
	default:
		b = current.next
	}
	s.mu.Unlock()
	select {
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	case <-b.done:
		return b.result, b.err
	}
}

// run makes a call, and then those that were requested meanwhile.
func (s *batches[T]) run(ctx context.Context, key string, limit time.Duration, b *batch[T]) {
	for b != nil {
		b.run(ctx, limit)
		s.mu.Lock()
		if b = b.next; b != nil {
			s.running[key] = b
		} else {
			delete(s.running, key)
		}
		s.mu.Unlock()
	}
}

func (b *batch[T]) run(ctx context.Context, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	defer close(b.done)
	defer func() {
		if failure := recover(); failure != nil { // it concerns the callers, not the process
			b.err = fmt.Errorf("panic: %v\n%s", failure, debug.Stack())
		}
	}()
	b.result, b.err = b.call(ctx)
}
