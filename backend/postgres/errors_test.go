package postgres_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/postgres"
	"portfolio/contract/wire"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestUnreachableDatabase(t *testing.T) {
	for name, change := range map[string]func(*postgres.Config){
		"nothing listens":  func(c *postgres.Config) { c.Port = 1 },
		"no such database": func(c *postgres.Config) { c.Name = "none" },
		"no credentials": func(c *postgres.Config) {
			c.Credentials = func(context.Context) (string, string, error) { return "", "", errors.New("away") }
		},
		"wrong password": func(c *postgres.Config) {
			c.Credentials = func(context.Context) (string, string, error) { return "nobody", "wrong", nil }
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := config(database(t))
			change(&c)
			db := open(t, c)
			err := db.Remove(t.Context(), "a")
			assertCode(t, wire.CodeUnavailable, err)
			assert.ErrorContains(t, err, "the database cannot be reached")
			assert.ErrorContains(t, db.Check(t.Context()), "not migrated")
		})
	}
}

func TestErrorsOfReachableDatabase(t *testing.T) {
	ctx := t.Context()
	c := config(database(t))
	empty := open(t, c)
	assertError(t, wire.CodeUnavailable, "cannot be reached", empty.Remove(ctx, "a")) // there is no role yet
	c.Credentials = c.Owner
	assertError(t, wire.CodeUnavailable, "not migrated yet", open(t, c).Remove(ctx, "a"))

	require.NoError(t, empty.Migrate(ctx))
	db, by := empty, member(t, empty, "alice")
	_, err := db.Latest(ctx, []string{"\x00"}, nil)
	assertError(t, backend.CodeInvalidRequest, "null byte", err)
	_, err = db.Latest(ctx, []string{"\xff"}, nil)
	assertError(t, backend.CodeInvalidRequest, "cannot be stored", err)
	for _, at := range []time.Time{
		time.Date(0, 5, 1, 0, 0, 0, 0, time.UTC), time.Date(-3, 5, 1, 0, 0, 0, 0, time.UTC),
		time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("", -2*60*60)),
	} {
		_, err = db.WriteQuotes(ctx, backend.Principal{}, []backend.Quote{quote("A", "1", at)}, nil)
		assertError(t, backend.CodeInvalidRequest, "want 1–9999", err)
		_, err = db.WriteQuotes(ctx, backend.Principal{}, nil, []backend.Rate{rate("EUR", "USD", "1", at)})
		assertError(t, backend.CodeInvalidRequest, "want 1–9999", err)
	}
	id := portfolio(t, db, by).ID
	for _, day := range []int64{math.MaxInt64, math.MinInt64, math.MaxInt32, 0} {
		_, _, err = db.ListEntries(ctx, "alice", id,
			backend.Page{Limit: 1, After: madeUp("transactions\x00"+id, day, 1)})
		assertError(t, backend.CodeInvalidRequest, "after: got", err)
	}

	never := connection("expires before it begins", now)
	never.ExpiresAt = never.ConnectedAt
	assertCode(t, wire.CodeInternal, db.Add(ctx, never), "a row that the schema refuses is a bug")
}

// madeUp returns a cursor that no page returned, with a valid checksum.
func madeUp(list string, place ...int64) string {
	var b []byte
	for _, n := range place {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	sum := sha256.Sum256(append([]byte(list+"\x00"), b...))
	return base64.RawURLEncoding.EncodeToString(append(b, sum[:8]...))
}

// A slow query is not reported as an unreachable database.
func TestSlowQuery(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	lockConnections(t, "testslowquery")

	hurried, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	_, err := db.Known(hurried, "a", now)
	assertError(t, backend.CodeTimeout, "did not answer in time", err)

	ended := make(chan error, 1)
	go func() {
		_, err := db.Known(ctx, "a", now)
		ended <- err
	}()
	observer := serviceOf(t, "testslowquery") // in a transaction, pg_stat_activity would not change
	// The effect of statement_timeout, without waiting for it.
	require.Eventually(t, func() bool {
		var cancelled bool
		err := observer.QueryRow(ctx, `select coalesce(bool_or(pg_cancel_backend(pid)), false) from pg_stat_activity
			where datname = current_database() and wait_event_type = 'Lock'`).Scan(&cancelled)
		return err == nil && cancelled
	}, 30*time.Second, 20*time.Millisecond)
	assertError(t, backend.CodeTimeout, "did not answer in time", within(t, ended))

	gone, cancel := context.WithCancel(ctx)
	cancel()
	_, err = db.Known(gone, "a", now)
	assertCode(t, backend.CodeTimeout, err)
}

func assertError(t *testing.T, code backend.Code, text string, err error) {
	t.Helper()
	assertCode(t, code, err)
	assert.ErrorContains(t, err, text)
}
