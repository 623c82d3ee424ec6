// Package valkey stores data that may be lost in Valkey. It connects as ElastiCache
// Serverless requires: with TLS and in cluster mode, to a single endpoint.
package valkey

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"portfolio/backend"

	"github.com/valkey-io/valkey-go"
)

const (
	dialTimeout = 3 * time.Second
	// answerTimeout also ends a connection whose server does not respond.
	answerTimeout = 3 * time.Second
)

// errNotConnected is returned until the first Connect succeeds.
var errNotConnected = errors.New("valkey: not connected yet")

// Cache is a client of one Valkey cluster. It is safe for concurrent use.
type Cache struct {
	endpoint string
	roots    *x509.CertPool
	client   atomic.Pointer[valkey.Client]
}

// New returns a client of the cluster at endpoint, host:port, without connecting. The
// server's certificate must be signed by one of roots, or of the system's if roots is
// nil.
func New(endpoint string, roots *x509.CertPool) *Cache {
	return &Cache{endpoint: endpoint, roots: roots}
}

// Connect makes the first connection. Until it succeeds, every other call fails at
// once; after that, the client reconnects on its own, and Connect must not be
// called again.
func (c *Cache) Connect() error {
	client, err := valkey.NewClient(valkey.ClientOption{
		InitAddress:      []string{c.endpoint},
		TLSConfig:        &tls.Config{RootCAs: c.roots, MinVersion: tls.VersionTLS12},
		Dialer:           net.Dialer{Timeout: dialTimeout},
		ConnWriteTimeout: answerTimeout,
		ClientName:       "portfolio",
		DisableCache:     true,
	})
	if err != nil {
		return fmt.Errorf("valkey: %w", err)
	}
	c.client.Store(&client)
	return nil
}

// Close ends all connections.
func (c *Cache) Close() {
	if client := c.client.Load(); client != nil {
		(*client).Close()
	}
}

// Check returns the reason why the cache cannot be used, or nil. It asks for a key,
// because a cluster that serves no slots still answers a ping.
func (c *Cache) Check(ctx context.Context) error {
	client := c.client.Load()
	if client == nil {
		return errNotConnected
	}
	return (*client).Do(ctx, (*client).B().Exists().Key("check").Build()).Error()
}

var _ backend.ReplayMemory = (*Cache)(nil)

// Remember implements backend.ReplayMemory. After a network error id may be remembered
// or not.
func (c *Cache) Remember(ctx context.Context, id string, ttl time.Duration) (first bool, err error) {
	client := c.client.Load()
	if client == nil {
		return false, errNotConnected
	}
	set := (*client).B().Set().Key("replay:" + id).Value("").Nx().PxMilliseconds(ttl.Milliseconds()).Build()
	switch err := (*client).Do(ctx, set).Error(); {
	case err == nil:
		return true, nil
	case valkey.IsValkeyNil(err): // the key exists
		return false, nil
	default:
		return false, fmt.Errorf("remember signature: %w", err)
	}
}
