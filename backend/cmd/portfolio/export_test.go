package main

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"portfolio/backend/source"

	"github.com/stretchr/testify/require"
)

// Instance is a service within a test, at the test's clock. Its sources are asked when the
// test says so.
type Instance struct{ *service }

// OpenInstance migrates the database, connects to the cache of an environment, and follows
// changes until the test ends.
func OpenInstance(t *testing.T, environ map[string]string, now func() time.Time) Instance {
	t.Helper()
	s, err := load(environ)
	require.NoError(t, err)
	svc, err := newService(t.Context(), s, slog.New(slog.DiscardHandler), now)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var following sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		following.Wait()
		svc.db.Close()
		svc.cache.Close()
	})
	require.NoError(t, svc.db.Migrate(t.Context()))
	close(svc.migrated)
	require.NoError(t, svc.cache.Connect())
	following.Go(func() { svc.follow(ctx) })
	return Instance{svc}
}

// ServeHTTP serves the API.
func (i Instance) ServeHTTP(w http.ResponseWriter, r *http.Request) { i.api.ServeHTTP(w, r) }

// Lead starts the feeds of all sources, as an instance does that becomes the leader.
func (i Instance) Lead(ctx context.Context, t *testing.T) []*source.Feed {
	t.Helper()
	keys, err := i.sourceKeys(ctx)
	require.NoError(t, err)
	var feeds []*source.Feed
	for _, name := range i.settings.Quotes.Names {
		feed, err := i.newFeed(name, keys[name])
		require.NoError(t, err)
		require.NoError(t, feed.Start(ctx))
		feeds = append(feeds, feed)
	}
	return feeds
}
