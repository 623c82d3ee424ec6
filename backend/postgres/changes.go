package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"portfolio/backend"

	"github.com/cenkalti/backoff/v5"
	"github.com/jackc/pgx/v5"
)

var _ backend.Changes = (*DB)(nil)

const (
	changesChannel = "portfolio_changes"

	// maxPayload is the largest payload of a notification: it must be shorter than
	// 8,000 bytes (PostgreSQL manual, NOTIFY).
	maxPayload = 7_900

	// listenCheck is how long a connection without notifications is trusted: one that
	// was cut between here and the server would never deliver any.
	listenCheck      = 15 * time.Second
	firstListenPause = 250 * time.Millisecond
	lastListenPause  = 10 * time.Second
)

// announcement is a Change in a notification.
type announcement struct {
	Portfolio   string         `json:"p,omitempty"`
	Symbols     []string       `json:"s,omitempty"`
	Pairs       []backend.Pair `json:"r,omitempty"`
	RevokedKey  string         `json:"k,omitempty"`
	SignedOut   string         `json:"e,omitempty"`
	Past        bool           `json:"o,omitempty"`
	Instruments bool           `json:"i,omitempty"`
}

// announce queues the notifications of a change. PostgreSQL delivers them when the
// transaction is committed.
func announce(batch *pgx.Batch, c backend.Change) error {
	payloads, err := payloadsOf(announcement(c))
	for _, payload := range payloads {
		batch.Queue("select pg_notify($1, $2)", changesChannel, payload)
	}
	return err
}

// payloadsOf splits an announcement until each part fits.
func payloadsOf(a announcement) ([]string, error) {
	payload, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	if len(payload) <= maxPayload {
		return []string{string(payload)}, nil
	}
	s, r := len(a.Symbols)/2, len(a.Pairs)/2
	if s+r == 0 {
		return nil, errors.New("the announcement is too long and cannot be split")
	}
	first, err := payloadsOf(announcement{Portfolio: a.Portfolio, RevokedKey: a.RevokedKey, SignedOut: a.SignedOut,
		Past: a.Past, Instruments: a.Instruments, Symbols: a.Symbols[:s], Pairs: a.Pairs[:r]})
	if err != nil {
		return nil, err
	}
	second, err := payloadsOf(announcement{Symbols: a.Symbols[s:], Pairs: a.Pairs[r:]})
	return append(first, second...), err
}

// Listen implements backend.Changes on a connection of its own. It calls lost each
// time that connection is established, the first time included, and returns nil.
func (db *DB) Listen(ctx context.Context, changed func(backend.Change), lost func()) error {
	pauses := &backoff.ExponentialBackOff{
		InitialInterval: firstListenPause, MaxInterval: lastListenPause, Multiplier: 2, RandomizationFactor: 0.5,
	}
	_, _ = backoff.Retry(ctx, func() (struct{}, error) { // only fails with ctx
		return struct{}{}, db.listen(ctx, changed, func() {
			pauses.Reset()
			lost()
		})
	}, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(0),
		backoff.WithNotify(func(err error, pause time.Duration) {
			db.log.Warn("listening for changes failed", slog.Any("error", err), "retryIn", pause.String())
		}))
	return nil
}

// listen calls changed with the changes that arrive on one connection, until the
// connection fails.
func (db *DB) listen(ctx context.Context, changed func(backend.Change), connected func()) error {
	return db.notifications(ctx, changesChannel, connected, func(payload string) error {
		var a announcement
		if err := json.Unmarshal([]byte(payload), &a); err != nil {
			return err // of a newer version: reconnecting makes callers read everything again
		}
		changed(backend.Change(a))
		return nil
	})
}

// notifications calls handle with each payload of a channel, on a connection of its
// own, until the connection or handle fails. It calls connected once it is listening:
// earlier notifications are missed.
func (db *DB) notifications(ctx context.Context, channel string, connected func(),
	handle func(payload string) error) error {
	conn, err := db.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "listen "+channel); err != nil {
		return err
	}
	connected()
	for {
		payload, err := next(ctx, conn)
		if err == nil && payload != "" {
			err = handle(payload)
		}
		if err != nil {
			return err
		}
	}
}

// next returns the payload of the next notification, or "" if none arrived for a
// while and the server still answers.
func next(ctx context.Context, conn *pgx.Conn) (string, error) {
	waiting, cancel := context.WithTimeout(ctx, listenCheck)
	defer cancel()
	switch n, err := conn.WaitForNotification(waiting); {
	case err == nil:
		return n.Payload, nil
	case ctx.Err() != nil || waiting.Err() == nil || conn.IsClosed():
		return "", err
	}
	checking, cancel := context.WithTimeout(ctx, listenCheck)
	defer cancel()
	return "", conn.Ping(checking)
}
