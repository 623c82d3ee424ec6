package servers_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"portfolio/local/servers"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/valkey-io/valkey-go"
)

func TestPostgresServesVerifiedTLSOnly(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for range 2 { // a second server starts as well as the first
		p, err := servers.StartPostgres(ctx, servers.PostgresConfig{})
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, p.Stop()) })
		require.NoError(t, p.CreateDatabase(ctx, "portfolio", "master", "it's a secret"))
		require.NoError(t, p.CreateDatabase(ctx, "portfolio", "master", "another"), "a database that is there")

		conn, err := pgx.Connect(ctx, p.URL("portfolio", "master", "another"))
		require.NoError(t, err)
		var version string
		var encrypted, super bool
		require.NoError(t, conn.QueryRow(ctx, `SELECT current_setting('server_version'), ssl, rolsuper
			FROM pg_stat_ssl, pg_roles WHERE pid = pg_backend_pid() AND rolname = current_user`).
			Scan(&version, &encrypted, &super))
		assert.Equal(t, "15.14", version)
		assert.True(t, encrypted, "the session is encrypted")
		assert.False(t, super, "RDS's master user is not a superuser")
		for _, sql := range []string{"CREATE TABLE holdings (id int)", "CREATE ROLE reader", "CREATE DATABASE other"} {
			_, err = conn.Exec(ctx, sql)
			assert.NoError(t, err, sql)
		}
		require.NoError(t, conn.Close(ctx))

		_, err = pgx.Connect(ctx, p.URL("portfolio", "master", "it's a secret"))
		assert.ErrorContains(t, err, "password authentication failed", "the replaced password")
		_, err = pgx.Connect(ctx, strings.Replace(p.URL("portfolio", "master", "another"), "verify-full", "disable", 1))
		assert.ErrorContains(t, err, "no pg_hba.conf entry", "plain text")

		require.NoError(t, p.Stop())
		require.NoError(t, p.Stop(), "a second stop")
		assertGone(t, p.Port, p.Folder)
	}
}

func TestValkeyServesVerifiedTLSOnly(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range 2 {
		v, err := servers.StartValkey(ctx, servers.ValkeyConfig{})
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, v.Stop()) })

		client, err := valkey.NewClient(valkey.ClientOption{InitAddress: []string{v.Address()},
			TLSConfig: trust(t, v.CAFile)})
		require.NoError(t, err)
		for _, key := range []string{"AAPL", "MSFT", "NVDA"} { // three slots
			require.NoError(t, client.Do(ctx, client.B().Set().Key(key).Value("1").Build()).Error())
		}
		info, err := client.Do(ctx, client.B().Info().Section("server").Build()).ToString()
		require.NoError(t, err)
		assert.Contains(t, info, "valkey_version:8.1.")
		// A cluster client goes where the topology sends it: to the TLS listener.
		for node := range client.Nodes() {
			assert.Equal(t, v.Address(), node)
		}
		client.Close()

		conn, err := net.Dial("tcp", v.Address())
		require.NoError(t, err)
		_, err = conn.Write([]byte("PING\r\n"))
		require.NoError(t, err)
		answer := make([]byte, 64)
		n, _ := conn.Read(answer)
		assert.NotContains(t, string(answer[:n]), "PONG", "plain text")
		require.NoError(t, conn.Close())

		require.NoError(t, v.Stop())
		require.NoError(t, v.Stop(), "a second stop")
		assertGone(t, v.Port, v.Folder)
	}
}

func TestStartReportsTakenPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	taken := l.Addr().(*net.TCPAddr).Port
	folders := t.TempDir()
	t.Setenv("TMPDIR", folders)

	_, err = servers.StartPostgres(t.Context(), servers.PostgresConfig{Port: taken})
	assert.ErrorContains(t, err, "Address already in use")
	_, err = servers.StartValkey(t.Context(), servers.ValkeyConfig{Port: taken})
	assert.ErrorContains(t, err, "address already in use")
	left, err := filepath.Glob(filepath.Join(folders, "*"))
	require.NoError(t, err)
	assert.Empty(t, left, "a server that did not start leaves nothing")
}

// trust is what a client needs to verify the server.
func trust(t *testing.T, caFile string) *tls.Config {
	t.Helper()
	pem, err := os.ReadFile(caFile)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(pem))
	return &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS12}
}

// assertGone checks that a stopped server left neither listener nor file.
func assertGone(t *testing.T, port int, folder string) {
	t.Helper()
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err == nil {
		conn.Close()
	}
	assert.Error(t, err, "port %d", port)
	assert.NoDirExists(t, folder)
}

func TestEmulatorAnswersOnAFreePort(t *testing.T) {
	first, err := servers.StartEmulator(t.Context(), servers.EmulatorConfig{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, first.Stop()) })
	assert.DirExists(t, first.Folder)

	parsed, err := url.Parse(first.URL)
	require.NoError(t, err)
	assert.Equal(t, servers.Host, parsed.Hostname())
	port, err := strconv.Atoi(parsed.Port())
	require.NoError(t, err)
	second, err := servers.StartEmulator(t.Context(), servers.EmulatorConfig{Port: port})
	require.Error(t, err, "its port is taken")
	assert.Nil(t, second)

	require.NoError(t, first.Stop())
	assert.NoDirExists(t, first.Folder)
	_, err = net.Dial("tcp", parsed.Host)
	assert.Error(t, err, "it ended")
}

func TestMissingEmulatorIsReported(t *testing.T) {
	_, err := servers.StartEmulator(t.Context(), servers.EmulatorConfig{Python: filepath.Join(t.TempDir(), "python")})
	require.ErrorContains(t, err, "want what `make local` installs")
}
