// Package push sends clients the changes of their portfolios' valuations.
//
// Each portfolio that has subscribers is a stream. One instance publishes it at a
// time, under a lease that another instance takes over if it is not renewed. The
// publisher values the portfolio once for each change and numbers the results. A
// client that has one number gets everything after it in one message, so a slow
// client skips outdated states and nothing queues up.
package push

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"portfolio/backend"
	"portfolio/contract/wire"
)

// MaxSubscriptions is the number of portfolios that one connection may watch.
const MaxSubscriptions = 50

// A sequence number is the epoch of the publisher's lease followed by a counter:
// it grows over all publishers of a portfolio and stays below 2⁵³, so that
// JavaScript keeps it exactly.
const counterBits = 24

// The outcomes of a post that are not failures. Other errors may be temporary.
var (
	ErrGone    = errors.New("the connection is gone")
	ErrLimited = errors.New("too many posts, or the client reads them too slowly")
)

// Poster sends messages to the clients of connections.
type Poster interface {
	Post(ctx context.Context, c backend.Connection, message []byte) error
	// Close ends a connection. The error is ErrGone if it has ended already.
	Close(ctx context.Context, c backend.Connection) error
}

// Valuer values portfolios. A zero time means now.
type Valuer interface {
	Valuation(ctx context.Context, owner, id string, asOf time.Time) (backend.Valuation, error)
}

// Lease is the right to publish a portfolio.
type Lease struct {
	Portfolio, Owner string
	Epoch            int64 // grows with each publisher
}

// Subscriber is a connection that watches a portfolio.
type Subscriber struct {
	Connection backend.Connection
	After      int64     // number up to which the client has everything; 0 for nothing
	Asked      time.Time // when it last subscribed
}

// Store keeps subscriptions and leases for all instances. Times of leases are
// the store's own, so that the instances' clocks do not matter.
type Store interface {
	// Subscribe stores that a connection watches a portfolio of its owner, or
	// subscribes again from another number on. Codes of its errors are
	// CodeUnknownConnection, CodeForbidden if the connection's key may no longer
	// read, CodeNotFound and CodeLimitReached.
	Subscribe(ctx context.Context, connection, portfolio string, after int64, limit int, now time.Time) error
	// Unsubscribe ends a subscription. It is not an error if there is none.
	Unsubscribe(ctx context.Context, connection, portfolio string) error
	// Subscribers returns all connections that watch a portfolio and have not expired at now.
	Subscribers(ctx context.Context, portfolio string, now time.Time) ([]Subscriber, error)
	// Claim renews all leases of an instance for ttl, and takes those on watched portfolios
	// that are free. It returns the new ones. If kept is false, the leases from before had
	// expired, and the new ones are all that the instance has. Held, if not nil, is what the
	// instance publishes: its leases on other portfolios end first, and are then free.
	Claim(ctx context.Context, instance string, held []string, ttl time.Duration) (taken []Lease, kept bool, err error)
	// Release ends all leases of an instance at once.
	Release(ctx context.Context, instance string) error
	// Notices returns notices that are due, at most limit of them, and makes each due
	// again after retryAfter, in case it is not delivered. Until then, no other call
	// returns it.
	Notices(ctx context.Context, retryAfter time.Duration, limit int) ([]Notice, error)
	// Noticed removes notices that were delivered.
	Noticed(ctx context.Context, ids []int64) error
	// Forget removes connections with their subscriptions.
	Forget(ctx context.Context, connections []string) error
	// ListenSubscriptions calls changed with each portfolio whose subscribers changed at
	// any instance, and lost when some may have been missed, until ctx ends.
	ListenSubscriptions(ctx context.Context, changed func(portfolio string), lost func()) error
}

// Result is the outcome of a post, for metrics.
type Result string

// The results of a post.
const (
	ResultPosted  Result = "posted"
	ResultGone    Result = "gone"
	ResultLimited Result = "limited"
	ResultFailed  Result = "failed"
)

// Metrics observes an engine. Its methods are called by many goroutines and
// must not wait.
type Metrics interface {
	// Posted is called after each post. Lag is the time from the receipt of the
	// oldest quote in the message until then, 0 if there is none in it.
	Posted(result Result, lag time.Duration)
	// Watched is called about once a second with what this instance publishes.
	Watched(streams, connections, subscriptions int)
}

// NoMetrics observes nothing.
type NoMetrics struct{}

// Posted implements Metrics.
func (NoMetrics) Posted(Result, time.Duration) {}

// Watched implements Metrics.
func (NoMetrics) Watched(_, _, _ int) {}

// Config is what an engine works with. Fields without a default are needed.
type Config struct {
	Log     *slog.Logger
	Store   Store
	Valuer  Valuer
	Poster  Poster
	Metrics Metrics // NoMetrics if nil
	// Instance names this process. It must not be used again after a restart: the
	// leases of the process before would count as this one's.
	Instance string
	// Rate limits posts per second. API Gateway's default quota is 10,000 requests per
	// second for an account and region, posts to connections included ("Amazon API
	// Gateway quotas").
	Rate float64
	// Posters and Valuers are how many posts and valuations are under way at most;
	// 128 and 4 if zero.
	Posters, Valuers int
	// DrainTimeout is how long the end of Run may wait for posts; 5 s if zero.
	DrainTimeout time.Duration
}

const (
	leaseTTL     = 8 * time.Second
	heartbeat    = 1500 * time.Millisecond
	claimTimeout = 2 * time.Second
	idleStream   = 10 * time.Second // without subscribers, before the lease is given up

	valuationTimeout = 5 * time.Second
	postTimeout      = 3 * time.Second
	forgetEvery      = 100 * time.Millisecond

	firstPause  = 250 * time.Millisecond // of a connection after a post that failed
	lastPause   = 10 * time.Second
	maxFailures = 3 // in a row, before the client is brought up to date by a snapshot

	keepAliveAfter = wire.IdleTimeout - time.Minute
	warnBefore     = 5 * time.Minute // API Gateway closes the WebSocket
)
