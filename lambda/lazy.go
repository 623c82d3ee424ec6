package main

import (
	"context"
	"sync"
	"time"
)

// readTimeout bounds one read of a lazy value. AWS usually answers within
// milliseconds; a client should not wait longer than this.
const readTimeout = 3 * time.Second

// lazy is a value that is read when it is first needed and then kept, so that a
// slow or failing source delays one event rather than the cold start.
type lazy[T any] struct {
	read func(context.Context) (T, error)

	mu    sync.Mutex
	known bool
	value T
}

// get returns the value. After an error the next call of get reads again.
func (l *lazy[T]) get(ctx context.Context) (T, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known {
		return l.value, nil
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	value, err := l.read(ctx)
	if err != nil {
		return value, err
	}
	l.value, l.known = value, true
	return value, nil
}

// forget makes the next call of get read the value again.
func (l *lazy[T]) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known = false
}
