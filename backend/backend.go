// Package backend is the domain of the portfolio service: its types, and interfaces for
// what it needs. The packages below it are named after what they adapt.
package backend

import (
	"context"
	"net/netip"
	"time"

	"portfolio/contract/wire"
)

// ConnectionLifetime is how long a connection is kept unless its end is reported.
// API Gateway usually, but not always, reports that it closed a WebSocket; the
// extra time lets a late $disconnect still find its row.
const ConnectionLifetime = wire.ConnectionLifetime + 10*time.Minute

// MaxConnections is how many connections one key may have open.
const MaxConnections = 100

// Connection is one client's WebSocket, as API Gateway knows it.
type Connection struct {
	ID          string     // unique in its API, never used again
	Owner       string     // whose portfolios it may see; "" if it has no key
	KeyID       string     // the key that opened it; "" as Owner
	SessionID   string     // the session that opened it; "" if the key itself did
	DomainName  string     // host that messages to the client are posted to
	Stage       string     // path below that host
	SourceIP    netip.Addr // the client's; the zero value if unknown
	ConnectedAt time.Time
	ExpiresAt   time.Time // from then on, the connection counts as gone
}

// Connections stores the open connections of all instances. The code of its errors is
// CodeUnavailable while the store cannot be reached.
type Connections interface {
	// Add stores a connection. Adding an ID again replaces it, so that a handshake
	// can be retried. The error's code is CodeLimitReached if its key has
	// MaxConnections already.
	Add(ctx context.Context, c Connection) error
	// Known reports whether a connection is stored and has not expired at now.
	Known(ctx context.Context, id string, now time.Time) (bool, error)
	// Remove removes a connection. It is not an error if there is none: it may have
	// expired, or an earlier attempt may have removed it.
	Remove(ctx context.Context, id string) error
}

// ReplayMemory remembers for all instances which signatures were used.
type ReplayMemory interface {
	// Remember reports whether id is seen for the first time within ttl. Of
	// simultaneous calls with one id, exactly one returns true.
	Remember(ctx context.Context, id string, ttl time.Duration) (first bool, err error)
}

// Keys are the keys that may have signed a call, the current one first.
type Keys interface {
	// Keys returns the keys as they were last read, and reads them the first time.
	Keys(ctx context.Context) ([][]byte, error)
	// Refresh returns the keys as they are now. It may wait, because it reads no
	// more often than once a second, however often it is called.
	Refresh(ctx context.Context) ([][]byte, error)
}
