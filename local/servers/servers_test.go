package servers_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"strconv"
	"testing"

	"portfolio/local/servers"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/valkey-io/valkey-go"
)

func TestPostgres(t *testing.T) {
	ctx := t.Context()
	p, err := servers.StartPostgres(ctx, servers.PostgresConfig{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, p.Stop()) })
	require.NoError(t, p.CreateDatabase(ctx, "holdings", "owner", "first"))
	require.NoError(t, p.CreateDatabase(ctx, "holdings", "owner", "second"), "again, with another password")

	conn, err := pgx.Connect(ctx, p.URL("holdings", "owner", "second"))
	require.NoError(t, err)
	var version string
	var superuser, encrypted bool
	require.NoError(t, conn.QueryRow(ctx, "show server_version").Scan(&version))
	require.NoError(t, conn.QueryRow(ctx, "select rolsuper from pg_roles where rolname = current_user").Scan(&superuser))
	require.NoError(t, conn.QueryRow(ctx, "select ssl from pg_stat_ssl where pid = pg_backend_pid()").Scan(&encrypted))
	require.NoError(t, conn.Close(ctx))
	assert.Equal(t, "15.14", version)
	assert.False(t, superuser, "the owner is no superuser, as on RDS")
	assert.True(t, encrypted)

	plain, err := pgx.ParseConfig("postgres://owner:second@127.0.0.1:" + strconv.Itoa(p.Port) + "/holdings?sslmode=disable")
	require.NoError(t, err)
	_, err = pgx.ConnectConfig(ctx, plain)
	assert.ErrorContains(t, err, "no encryption")
	_, err = pgx.Connect(ctx, p.URL("holdings", "owner", "first"))
	assert.ErrorContains(t, err, "password authentication failed")

	stopped(t, p.Stop, p.Port, p.Folder)
}

func TestValkey(t *testing.T) {
	ctx := t.Context()
	v, err := servers.StartValkey(ctx, servers.ValkeyConfig{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, v.Stop()) })

	authority, err := os.ReadFile(v.CAFile)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(authority))
	client, err := valkey.NewClient(valkey.ClientOption{
		InitAddress: []string{v.Address()},
		TLSConfig:   &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
	})
	require.NoError(t, err)
	defer client.Close()
	assert.Equal(t, valkey.ClientModeCluster, client.Mode())
	for _, key := range []string{"a", "b", "{c}d"} { // slots of all ranges
		require.NoError(t, client.Do(ctx, client.B().Set().Key(key).Value(key).Build()).Error())
		value, err := client.Do(ctx, client.B().Get().Key(key).Build()).ToString()
		require.NoError(t, err)
		assert.Equal(t, key, value)
	}

	_, err = valkey.NewClient(valkey.ClientOption{InitAddress: []string{v.Address()}})
	assert.Error(t, err, "without TLS")
	_, err = valkey.NewClient(valkey.ClientOption{InitAddress: []string{v.Address()}, TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12}})
	assert.ErrorContains(t, err, "certificate", "with another authority")

	stopped(t, v.Stop, v.Port, v.Folder)
}

// stopped stops a server and expects that nothing of it is left, and that
// stopping it twice is no error.
func stopped(t *testing.T, stop func() error, port int, folder string) {
	t.Helper()
	require.NoError(t, stop())
	require.NoError(t, stop())
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", net.JoinHostPort(servers.Host, strconv.Itoa(port)))
	require.NoError(t, err, "the port is free")
	require.NoError(t, l.Close())
	assert.NoDirExists(t, folder)
}
