package main

import (
	"bytes"
	"sync"
	"sync/atomic"
	"time"
)

// arrivals collects the messages that clients receive.
type arrivals struct {
	snapshots atomic.Int64
	mu        sync.Mutex
	lags      times // of deltas, from the receipt of the oldest quote in them
	malformed int
	last      []byte // the last delta
}

// sample returns the last delta that arrived.
func (a *arrivals) sample() []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last
}

var (
	snapshotType = []byte(`"type":"snapshot"`)
	deltaType    = []byte(`"type":"delta"`)
	receivedName = []byte(`"received":"`)
)

// add records a message. It searches the text instead of decoding it, because the load
// and the service share the processors.
func (a *arrivals) add(_ string, message []byte) {
	now := time.Now()
	if bytes.Contains(message, snapshotType) {
		a.snapshots.Add(1)
	}
	if !bytes.Contains(message, deltaType) {
		return
	}
	var oldest time.Time
	for rest := message; ; {
		_, after, found := bytes.Cut(rest, receivedName)
		if !found {
			break
		}
		text, _, _ := bytes.Cut(after, []byte(`"`))
		if at, err := time.Parse(time.RFC3339Nano, string(text)); err == nil && (oldest.IsZero() || at.Before(oldest)) {
			oldest = at
		}
		rest = after
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last = message
	if oldest.IsZero() {
		a.malformed++
		return
	}
	a.lags = append(a.lags, now.Sub(oldest))
}

// take returns the lags since the last call.
func (a *arrivals) take() (lags times, malformed int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	lags, malformed = a.lags, a.malformed
	a.lags, a.malformed = nil, 0
	return lags, malformed
}

// deltas returns the number of lags that take would return.
func (a *arrivals) deltas() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.lags)
}
