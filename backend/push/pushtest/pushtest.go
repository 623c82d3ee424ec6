// Package pushtest has a replacement for API Gateway's @connections, for tests and for
// measurements that an emulator would slow down, and what clients do with a delta.
package pushtest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Gateway answers posts to connections and passes on their messages. It is safe for
// concurrent use.
type Gateway struct {
	URL string // the endpoint to use in package apigateway

	// received is called with each accepted message, by many goroutines.
	received func(connection string, message []byte)
	server   *httptest.Server
	posts    atomic.Int64
	answers  sync.Map // connection → Answer
}

// Answer is how posts to a connection are answered.
type Answer struct {
	Status int           // 0 means 200; 410 gone, 429 too many
	Delay  time.Duration // before the answer
}

// New starts a gateway on 127.0.0.1. Received may be nil.
func New(received func(connection string, message []byte)) *Gateway {
	if received == nil {
		received = func(string, []byte) {}
	}
	g := &Gateway{received: received}
	g.server = httptest.NewServer(http.HandlerFunc(g.serve))
	g.URL = g.server.URL
	return g
}

// Close stops the gateway.
func (g *Gateway) Close() { g.server.Close() }

// Posts counts the posts so far, whatever the answer.
func (g *Gateway) Posts() int64 { return g.posts.Load() }

// Answer sets how posts to a connection are answered from now on.
func (g *Gateway) Answer(connection string, a Answer) { g.answers.Store(connection, a) }

func (g *Gateway) serve(w http.ResponseWriter, r *http.Request) {
	g.posts.Add(1)
	_, connection, found := strings.Cut(r.URL.Path, "/@connections/")
	switch {
	case !found || r.Method != http.MethodPost:
		http.Error(w, "want POST /STAGE/@connections/ID", http.StatusNotFound)
		return
	case !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 "):
		http.Error(w, "want a signature", http.StatusForbidden)
		return
	}
	message, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if a, set := g.answers.Load(connection); set {
		answer := a.(Answer)
		select {
		case <-time.After(answer.Delay):
		case <-r.Context().Done():
			return
		}
		if answer.Status != 0 && answer.Status != http.StatusOK {
			w.WriteHeader(answer.Status)
			return
		}
	}
	g.received(connection, message)
}
