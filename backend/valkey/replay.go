package valkey

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"portfolio/backend"
)

const (
	// maxRemembered limits the instance's own memory to some 20 MB. Only calls with a
	// valid signature are remembered, so only holders of the key can fill it, and API
	// Gateway lets 500 a second through: 62,500 in the time for which they are valid.
	maxRemembered = 100_000
	// sharedTimeout is how long a call waits for Valkey before the instance relies on
	// its own memory.
	sharedTimeout = 500 * time.Millisecond
)

// Replay is a replay memory that keeps working when the shared one fails. The instance
// remembers every id that it has seen and asks the shared memory about all others.
// While the shared memory fails, an id is refused only by the instance that has seen it.
type Replay struct {
	shared backend.ReplayMemory
	log    *slog.Logger
	failed atomic.Bool // the last call to the shared memory failed
	own    own
}

var _ backend.ReplayMemory = (*Replay)(nil)

// NewReplay returns an empty memory. It logs when the shared memory fails and when it
// is available again.
func NewReplay(shared backend.ReplayMemory, log *slog.Logger) *Replay {
	return &Replay{shared: shared, log: log, own: own{until: map[string]time.Time{}}}
}

// Remember implements backend.ReplayMemory. Its error is always nil. All
// calls must have the same ttl.
func (r *Replay) Remember(ctx context.Context, id string, ttl time.Duration) (bool, error) {
	if !r.own.remember(id, ttl, time.Now()) {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, sharedTimeout)
	defer cancel()
	first, err := r.shared.Remember(ctx, id, ttl)
	if failed := err != nil; r.failed.Swap(failed) != failed {
		if failed {
			r.log.Warn("shared replay memory failed, using that of this instance", slog.Any("error", err))
		} else {
			r.log.Info("shared replay memory is available again")
		}
	}
	return first || err != nil, nil
}

// own is the memory of one instance.
type own struct {
	mu    sync.Mutex
	until map[string]time.Time
	order []string // ids in the order of their arrival, which is that of their expiry
}

// remember reports whether id is new. When full it forgets the oldest id.
func (o *own) remember(id string, ttl time.Duration, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.order) > 0 && (len(o.order) >= maxRemembered || !now.Before(o.until[o.order[0]])) {
		delete(o.until, o.order[0])
		o.order = o.order[1:]
	}
	if _, seen := o.until[id]; seen {
		return false
	}
	o.until[id] = now.Add(ttl)
	o.order = append(o.order, id)
	return true
}
