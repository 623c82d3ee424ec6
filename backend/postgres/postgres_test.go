package postgres_test

import (
	"context"
	"fmt"
	"log"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/postgres"
	"portfolio/local/servers"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var server *servers.Postgres // for all tests of the package, each with a database of its own

func TestMain(m *testing.M) {
	if name := os.Getenv("MIGRATE_DATABASE"); name != "" {
		migrateOnly(name) // this process is a child of TestMigrateFromProcesses
		return
	}
	var err error
	if server, err = servers.StartPostgres(context.Background(), servers.PostgresConfig{}); err != nil {
		log.Fatal(err)
	}
	status := m.Run()
	if err := server.Stop(); err != nil {
		log.Print(err)
		status = 1
	}
	os.Exit(status)
}

// database creates an empty database and returns how its owner reaches it.
func database(t *testing.T) string {
	name := strings.ToLower(strings.ReplaceAll(t.Name(), "/", "_"))
	require.NoError(t, server.CreateDatabase(t.Context(), name, name, "secret"))
	return name
}

func config(name string) postgres.Config { return configAt(name, server.Port, server.CAFile) }

// configAt returns the configuration of a database of CreateDatabase, whose service
// has a role of its own, as it does on RDS.
func configAt(name string, port int, caFile string) postgres.Config {
	return postgres.Config{
		Host: "localhost", Port: port, Name: name, CAFile: caFile,
		Credentials: as(name+"_service", "service secret"),
		Owner:       as(name, "secret"),
	}
}

func as(username, password string) postgres.Credentials {
	return func(context.Context) (string, string, error) { return username, password, nil }
}

func open(t *testing.T, c postgres.Config) *postgres.DB {
	db, err := postgres.Open(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(db.Close)
	return db
}

func migrated(t *testing.T) *postgres.DB {
	db := open(t, config(database(t)))
	require.NoError(t, db.Migrate(t.Context()))
	return db
}

// inspect returns a connection outside the pool.
func inspect(t *testing.T, name string) *pgx.Conn {
	conn, err := pgx.Connect(t.Context(), server.URL(name, name, "secret"))
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// lockConnections locks the table connections until the transaction ends.
func lockConnections(t *testing.T, name string) pgx.Tx {
	tx, err := inspect(t, name).Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "lock table connections")
	require.NoError(t, err)
	return tx
}

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func connection(id string, expires time.Time) backend.Connection {
	return backend.Connection{
		ID: id, DomainName: "api.example", Stage: "prod", SourceIP: netip.MustParseAddr("2001:db8::1"),
		ConnectedAt: expires.Add(-backend.ConnectionLifetime), ExpiresAt: expires,
	}
}

func TestConnections(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	known := func(id string, at time.Time) bool {
		known, err := db.Known(ctx, id, at)
		require.NoError(t, err)
		return known
	}
	assert.False(t, known("a", now))
	require.NoError(t, db.Add(ctx, connection("a", now)))
	assert.True(t, known("a", now.Add(-time.Microsecond)))
	assert.False(t, known("a", now), "expired")
	require.NoError(t, db.Add(ctx, connection("a", now.Add(time.Hour))), "a retried handshake")
	assert.True(t, known("a", now))

	require.NoError(t, db.Remove(ctx, "a"))
	require.NoError(t, db.Remove(ctx, "a"), "again")
	assert.False(t, known("a", now))
}

func TestConnectionIsStoredCompletely(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	c := connection("whole", now)
	require.NoError(t, db.Add(ctx, c))
	unknown := connection("no source address", now)
	unknown.SourceIP = netip.Addr{}
	require.NoError(t, db.Add(ctx, unknown))

	rows, err := inspect(t, strings.ToLower(t.Name())).Query(ctx, `
		select connection_id, domain_name, stage, coalesce(host(source_ip), ''), connected_at, expires_at
		from connections order by connection_id desc`)
	require.NoError(t, err)
	type row struct {
		ID, DomainName, Stage, SourceIP string
		ConnectedAt, ExpiresAt          time.Time
	}
	got, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.Equal(t, []string{"whole", "api.example", "prod", "2001:db8::1"},
		[]string{got[0].ID, got[0].DomainName, got[0].Stage, got[0].SourceIP})
	assert.True(t, got[0].ConnectedAt.Equal(c.ConnectedAt) && got[0].ExpiresAt.Equal(c.ExpiresAt))
	assert.Empty(t, got[1].SourceIP)
}

func TestConnectionOfAnOwner(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	by := member(t, db, "alice")
	c := connection("a", now)
	c.Owner, c.KeyID = by.Owner, by.KeyID
	require.NoError(t, db.Add(ctx, c))
	conn := inspect(t, strings.ToLower(t.Name()))
	var owner, key string
	require.NoError(t, conn.QueryRow(ctx, "select owner, key_id from connections").Scan(&owner, &key))
	assert.Equal(t, []string{by.Owner, by.KeyID}, []string{owner, key})

	// As the previous version writes it, which may run at the same time during a deploy.
	_, err := conn.Exec(ctx, `
		insert into connections (connection_id, domain_name, stage, source_ip, connected_at, expires_at)
		values ('old', 'd', 's', null, now(), now() + interval '1 hour')`)
	require.NoError(t, err)
	known, err := db.Known(ctx, "old", time.Now())
	require.NoError(t, err)
	assert.True(t, known)
}

// Sweeps of several instances at once remove each expired row once, and no other.
func TestSweep(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	const expired = 300
	for i := range expired {
		require.NoError(t, db.Add(ctx, connection(fmt.Sprint(i), now.Add(-time.Duration(i)*time.Second))))
	}
	require.NoError(t, db.Add(ctx, connection("open", now.Add(time.Second))))

	first, err := db.Sweep(ctx, now, 1)
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"connections": 1}, first, "bounded")
	oldest, err := db.Known(ctx, fmt.Sprint(expired-1), time.Time{})
	require.NoError(t, err)
	assert.False(t, oldest, "the oldest first")

	var swept atomic.Int64
	var sweepers sync.WaitGroup
	for range 4 {
		sweepers.Go(func() {
			for {
				n, err := db.Sweep(ctx, now, 20)
				assert.NoError(t, err)
				if swept.Add(int64(n["connections"])); len(n) == 0 {
					return
				}
			}
		})
	}
	sweepers.Wait()
	assert.Equal(t, int64(expired-1), swept.Load())
	open, err := db.Known(ctx, "open", now)
	require.NoError(t, err)
	assert.True(t, open)
}

func TestServerIsVerified(t *testing.T) {
	authority, err := servers.NewAuthority()
	require.NoError(t, err)
	c := config(database(t))
	c.CAFile = t.TempDir() + "/other.pem"
	require.NoError(t, os.WriteFile(c.CAFile, authority.PEM(), 0o600))
	assert.ErrorContains(t, open(t, c).Migrate(t.Context()), "certificate")

	c.CAFile = server.CAFile
	c.Host = "127.0.0.2" // not in the certificate
	assert.Error(t, open(t, c).Migrate(t.Context()))
}
