package valkey_test

import (
	"context"
	"crypto/x509"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portfolio/backend/valkey"
	"portfolio/local/servers"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func start(t *testing.T, c servers.ValkeyConfig) *servers.Valkey {
	server, err := servers.StartValkey(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Stop()) })
	return server
}

func roots(t *testing.T, file string) *x509.CertPool {
	pem, err := os.ReadFile(file)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(pem))
	return pool
}

func connect(t *testing.T, server *servers.Valkey) *valkey.Cache {
	c := valkey.New(server.Address(), roots(t, server.CAFile))
	t.Cleanup(c.Close)
	require.NoError(t, c.Connect())
	return c
}

func TestRemember(t *testing.T) {
	server := start(t, servers.ValkeyConfig{})
	one, two := connect(t, server), connect(t, server)
	ctx := t.Context()
	require.NoError(t, one.Check(ctx))

	first, err := one.Remember(ctx, "a", 2*time.Second)
	require.NoError(t, err)
	assert.True(t, first)
	first, err = two.Remember(ctx, "a", time.Minute)
	require.NoError(t, err)
	assert.False(t, first, "seen by another instance")
	assert.Eventually(t, func() bool {
		first, err := two.Remember(ctx, "a", time.Minute)
		return err == nil && first
	}, 30*time.Second, 20*time.Millisecond, "forgotten after its ttl")

	var firsts atomic.Int32
	var callers sync.WaitGroup
	for i := range 40 {
		callers.Go(func() {
			first, err := []*valkey.Cache{one, two}[i%2].Remember(ctx, "b", time.Minute)
			assert.NoError(t, err)
			if first {
				firsts.Add(1)
			}
		})
	}
	callers.Wait()
	assert.Equal(t, int32(1), firsts.Load(), "of simultaneous calls exactly one is first")
}

func TestNotConnected(t *testing.T) {
	c := valkey.New("127.0.0.1:1", nil)
	defer c.Close()
	assert.Error(t, c.Connect())
	assert.EqualError(t, c.Check(t.Context()), "valkey: not connected yet")
	_, err := c.Remember(t.Context(), "a", time.Minute)
	assert.EqualError(t, err, "valkey: not connected yet")
}

func TestServerIsVerified(t *testing.T) {
	server := start(t, servers.ValkeyConfig{})
	c := valkey.New(server.Address(), x509.NewCertPool())
	defer c.Close()
	assert.ErrorContains(t, c.Connect(), "certificate")
}

// While the server is down calls fail within the caller's deadline; it is used again
// once it is back.
func TestRecovery(t *testing.T) {
	authority, err := servers.NewAuthority()
	require.NoError(t, err)
	server := start(t, servers.ValkeyConfig{Authority: authority})
	c := connect(t, server)
	require.NoError(t, server.Stop())

	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	began := time.Now()
	_, err = c.Remember(ctx, "a", time.Minute)
	assert.Error(t, err)
	assert.Error(t, c.Check(ctx))
	assert.Less(t, time.Since(began), 2*time.Second)

	start(t, servers.ValkeyConfig{Authority: authority, Port: server.Port})
	assert.Eventually(t, func() bool { return c.Check(t.Context()) == nil }, 15*time.Second, 50*time.Millisecond)
	first, err := c.Remember(t.Context(), "a", time.Minute)
	assert.NoError(t, err)
	assert.True(t, first)
}
