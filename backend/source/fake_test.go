package source

import (
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const testKey = "test-key-1"

// provider is a fake that answers with files, on loopback.
type provider struct {
	url string

	mu       sync.Mutex
	answers  map[string]http.HandlerFunc // by path
	requests []*http.Request
}

func newProvider(t *testing.T) *provider {
	p := &provider{answers: map[string]http.HandlerFunc{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.requests = append(p.requests, r)
		answer := p.answers[r.URL.Path]
		p.mu.Unlock()
		if answer == nil {
			http.NotFound(w, r)
			return
		}
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

// answers a path with a file.
func (p *provider) file(t *testing.T, path, name string) { p.status(t, path, http.StatusOK, name) }

func (p *provider) status(t *testing.T, path string, code int, name string) {
	t.Helper()
	var body []byte
	if name != "" {
		var err error
		body, err = os.ReadFile("testdata/" + name)
		require.NoError(t, err)
	}
	p.handle(path, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = w.Write(body)
	})
}

func (p *provider) handle(path string, h http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers[path] = h
}

func (p *provider) last() *http.Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests[len(p.requests)-1]
}

// open opens a source at the fake, at a time.
func (p *provider) open(t *testing.T, name string, now time.Time) Source {
	t.Helper()
	s, err := Open(name, Config{Key: testKey, URL: p.url, Now: func() time.Time { return now }, Client: &http.Client{Timeout: 300 * time.Millisecond}})
	require.NoError(t, err)
	return s
}

// moment reads a time that a test wrote down.
func moment(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return at
}
