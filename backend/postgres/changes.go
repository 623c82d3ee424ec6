package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"time"

	"portfolio/backend"

	"github.com/jackc/pgx/v5"
)

var _ backend.Changes = (*DB)(nil)

const (
	changesChannel = "portfolio_changes"

	// maxPayload is what a notification may hold: less than 8,000 bytes
	// (PostgreSQL manual, NOTIFY).
	maxPayload = 7_900

	// listenCheck is how long a silent connection is trusted: one that was cut on
	// the way would be silent for ever.
	listenCheck      = 15 * time.Second
	firstListenPause = 250 * time.Millisecond
	lastListenPause  = 10 * time.Second
)

// announcement is a Change on its way.
type announcement struct {
	Portfolio  string         `json:"p,omitempty"`
	Symbols    []string       `json:"s,omitempty"`
	Pairs      []backend.Pair `json:"r,omitempty"`
	RevokedKey string         `json:"k,omitempty"`
}

// announce queues the notifications of a change, which go out when the
// transaction is committed, and only then.
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
		return nil, errors.New("an announcement is too long and cannot be split")
	}
	first, err := payloadsOf(announcement{Portfolio: a.Portfolio, RevokedKey: a.RevokedKey, Symbols: a.Symbols[:s], Pairs: a.Pairs[:r]})
	if err != nil {
		return nil, err
	}
	second, err := payloadsOf(announcement{Symbols: a.Symbols[s:], Pairs: a.Pairs[r:]})
	return append(first, second...), err
}

// Listen implements backend.Changes, on a connection of its own. Lost is called
// whenever that connection was made, the first time too. The result is nil.
func (db *DB) Listen(ctx context.Context, changed func(backend.Change), lost func()) error {
	pause := firstListenPause
	for ctx.Err() == nil {
		err := db.listen(ctx, changed, func() {
			pause = firstListenPause
			lost()
		})
		if ctx.Err() != nil {
			break
		}
		wait := pause/2 + rand.N(pause/2) //nolint:gosec // it spreads load and guards nothing
		db.log.Warn("listen for changes", "error", err.Error(), "again", wait.String())
		pause = min(2*pause, lastListenPause)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
	return nil
}

// listen does so on one connection, until that fails.
func (db *DB) listen(ctx context.Context, changed func(backend.Change), connected func()) error {
	return db.notifications(ctx, changesChannel, connected, func(payload string) error {
		var a announcement
		if err := json.Unmarshal([]byte(payload), &a); err != nil {
			return err // of a newer version: connecting anew has everything read anew
		}
		changed(backend.Change(a))
		return nil
	})
}

// notifications hands on what comes on a channel, on a connection of its own,
// until that fails or hand does. Connected is called once it is listening: what
// was announced before nobody heard.
func (db *DB) notifications(ctx context.Context, channel string, connected func(), hand func(payload string) error) error {
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
			err = hand(payload)
		}
		if err != nil {
			return err
		}
	}
}

// next gives the payload of the next notification, "" where there was none for a
// while and the server is still there.
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
