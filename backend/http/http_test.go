package http_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"portfolio/backend"
	backendhttp "portfolio/backend/http"
	"portfolio/backend/source"
	"portfolio/contract/signature"
	"portfolio/contract/wire"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	now     = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	oldKey  = []byte("the previous key")
	goodKey = []byte("the current key")
	newKey  = []byte("the next key")
)

// fakes are the service's dependencies, in memory.
type fakes struct {
	*memory
	mu          sync.Mutex
	instruments map[string]backend.Instrument
	proposals   []backend.Proposal
	keys, fresh [][]byte // before and after Refresh
	keysErr     error
	refreshErr  error
	seen        map[string]time.Duration
	connections map[string]backend.Connection
	storeErr    error
	storePanic  bool
	storeDelay  time.Duration
	checks      map[string]func(context.Context) error
	log         bytes.Buffer
	answered    []string          // routes
	quoted      []time.Time       // newest time of each batch
	days        map[string]string // stored valuations, by portfolio and day
	daysErr     error
	watched     []string // calls of Live
	liveErr     error
	balancers   netip.Prefix
	provider    backend.IdentityProvider
	handler     *backendhttp.Handler
	clock       time.Duration // added to now
}

func (f *fakes) Subscribe(_ context.Context, connection, portfolio string, after int64) error {
	f.watched = append(f.watched, fmt.Sprint("subscribe ", connection, " ", portfolio, " ", after))
	return f.liveErr
}

func (f *fakes) Unsubscribe(_ context.Context, connection, portfolio string) error {
	f.watched = append(f.watched, fmt.Sprint("unsubscribe ", connection, " ", portfolio))
	return f.liveErr
}

func (f *fakes) Answered(route string, took time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if took < 0 {
		route += " took negative time"
	}
	f.answered = append(f.answered, route)
}

func (f *fakes) Day(_ context.Context, portfolio string, day backend.Date) ([]byte, bool, error) {
	text, stored := f.days[portfolio+" "+day.String()]
	return []byte(text), stored, f.daysErr
}

func (f *fakes) Quoted(newest backend.Quote) { f.quoted = append(f.quoted, newest.Time) }

func (f *fakes) SourceStatuses(_ context.Context, owner string) ([]source.Status, error) {
	left := 799
	return []source.Status{{Source: "twelvedata", State: source.Working, CallsLeft: &left, Held: []source.Held{},
		Problems: map[string]source.Outcome{owner: source.UnknownSymbol}}}, nil
}

func (f *fakes) Keys(context.Context) ([][]byte, error)    { return f.keys, f.keysErr }
func (f *fakes) Refresh(context.Context) ([][]byte, error) { return f.fresh, f.refreshErr }

func (f *fakes) Remember(_ context.Context, id string, ttl time.Duration) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, seen := f.seen[id]
	f.seen[id] = ttl
	return !seen, nil
}

func (f *fakes) Add(ctx context.Context, c backend.Connection) error {
	if f.storePanic {
		panic("secret-detail")
	}
	select {
	case <-time.After(f.storeDelay):
	case <-ctx.Done():
		return ctx.Err()
	}
	if f.storeErr == nil {
		f.connections[c.ID] = c
	}
	return f.storeErr
}

func (f *fakes) Known(_ context.Context, id string, _ time.Time) (bool, error) {
	_, known := f.connections[id]
	return known, f.storeErr
}

func (f *fakes) Remove(_ context.Context, id string) error {
	if f.storeErr == nil {
		delete(f.connections, id)
	}
	return f.storeErr
}

// reader is the principal whose ticket is in connectBody.
var reader = backend.Principal{KeyID: "k-1", Owner: "ann", Scopes: []backend.Scope{backend.ScopeRead}}

// ticket makes the ticket in connectBody valid.
func (f *fakes) ticket(by backend.Principal) { f.tickets[backend.HashSecret("t-1")] = by }

func newFakes() *fakes {
	f := &fakes{
		memory: newMemory(),
		keys:   [][]byte{goodKey, oldKey}, fresh: [][]byte{newKey, goodKey},
		seen: map[string]time.Duration{}, connections: map[string]backend.Connection{"c-1": {}},
	}
	f.ticket(reader)
	return f
}

// serve runs the service's real server on the fakes.
func (f *fakes) serve(t testing.TB) *httptest.Server {
	t.Helper()
	log := slog.New(slog.NewJSONHandler(&f.log, nil))
	handler := backendhttp.NewHandler(backendhttp.Dependencies{
		Log: log, Metrics: f, Now: func() time.Time { return now.Add(f.clock) },
		Keys: f, Replays: f, Connections: f, Checks: f.checks,
		APIKeys: f, Sessions: f, Identities: f, Provider: f.provider, Portfolios: f, Imports: f, Tickets: f, Tracker: f,
		Days: f, Market: f, Sources: f, Instruments: f, Proposals: f, Live: f, RateLimit: 100,
		Balancers: f.balancers, Socket: "wss://socket.example/prod",
	})
	f.handler = handler
	server := httptest.NewUnstartedServer(nil)
	server.Config = backendhttp.NewServer(handler, log)
	server.Start()
	t.Cleanup(server.Close)
	return server
}

// call is a signed request, as the WebSocket handler makes it.
func call(t *testing.T, server *httptest.Server, path, body string, key []byte, at time.Time) *http.Request {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	signature.Sign(r, key, []byte(body), at)
	return r
}

// reply is an answer without its body.
type reply struct {
	StatusCode int
	Header     http.Header
}

func do(t *testing.T, r *http.Request) (reply, string) {
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return reply{response.StatusCode, response.Header}, string(body)
}

func get(t *testing.T, url string) (reply, string) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	return do(t, r)
}

// assertProblem checks a whole error document.
func assertProblem(t *testing.T, r reply, body string, status int, code string) {
	t.Helper()
	var p struct {
		Type, Title, Detail, Code string
		Status                    int
	}
	require.NoError(t, json.Unmarshal([]byte(body), &p), body)
	assert.Equal(t, status, r.StatusCode, body)
	assert.Equal(t, "application/problem+json", r.Header.Get("Content-Type"))
	assert.Equal(t, []any{"about:blank", http.StatusText(status), status, code},
		[]any{p.Type, p.Title, p.Status, p.Code}, body)
	assert.NotEmpty(t, p.Detail)
}

const connectBody = `{"requestId":"r-1","connectionId":"c-2","domainName":"api.example","stage":"prod","sourceIp":"192.0.2.1","query":{"ticket":["t-1"]}}`

func messageBody(connection, text string) string {
	body, err := json.Marshal(map[string]string{
		"requestId": "r-1", "connectionId": connection, "domainName": "api.example", "stage": "prod", "body": text,
	})
	if err != nil {
		panic(err)
	}
	return string(body)
}

func TestSignatures(t *testing.T) {
	ping := messageBody("c-1", `{"action":"ping"}`)
	unavailable := errors.New("secret-detail")
	for name, test := range map[string]struct {
		key    []byte
		at     time.Time
		fakes  func(*fakes)
		change func(*http.Request)
		status int
		code   string
	}{
		"valid":             {status: 200},
		"previous key":      {key: oldKey, status: 200},
		"rotated just now":  {key: newKey, status: 200},
		"at the edge":       {at: now.Add(-signature.MaxAge), status: 200},
		"missing":           {change: func(r *http.Request) { r.Header.Del(signature.Header) }, status: 401, code: "signature_missing"},
		"without timestamp": {change: func(r *http.Request) { r.Header.Del(signature.TimestampHeader) }, status: 401, code: "signature_missing"},
		"stale":             {at: now.Add(-signature.MaxAge - time.Second), status: 401, code: "signature_stale"},
		"in the future":     {at: now.Add(signature.MaxAge + time.Second), status: 401, code: "signature_stale"},
		"unknown key":       {key: []byte("guessed"), status: 401, code: "signature_mismatch"},
		"other path": {change: func(r *http.Request) { r.URL.Path = "/internal/disconnect" },
			status: 401, code: "signature_mismatch"},
		"unknown key, secrets unavailable": {key: newKey, fakes: func(f *fakes) { f.fresh, f.refreshErr = nil, unavailable },
			status: 401, code: "signature_mismatch"},
		"valid, secrets never read": {fakes: func(f *fakes) { f.keys, f.keysErr = nil, unavailable },
			status: 503, code: "unavailable"},
		"no keys": {fakes: func(f *fakes) { f.keys, f.fresh = nil, nil }, status: 401, code: "signature_mismatch"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakes()
			if test.fakes != nil {
				test.fakes(f)
			}
			server := f.serve(t)
			if test.key == nil {
				test.key = goodKey
			}
			if test.at.IsZero() {
				test.at = now
			}
			r := call(t, server, "/internal/message", ping, test.key, test.at)
			if test.change != nil {
				test.change(r)
			}
			response, body := do(t, r)
			if test.status == 200 {
				assert.Equal(t, 200, response.StatusCode, body)
				assert.JSONEq(t, `{"type":"pong"}`, body)
				return
			}
			assertProblem(t, response, body, test.status, test.code)
			assert.NotContains(t, body, "secret-detail")
			assert.Empty(t, f.seen, "only valid signatures are remembered")
		})
	}
}

func TestReplay(t *testing.T) {
	f := newFakes()
	server := f.serve(t)
	ping := messageBody("c-1", `{"action":"ping"}`)
	response, _ := do(t, call(t, server, "/internal/message", ping, goodKey, now))
	assert.Equal(t, 200, response.StatusCode)

	response, body := do(t, call(t, server, "/internal/message", ping, goodKey, now))
	assertProblem(t, response, body, 401, "signature_replayed")

	// The same signature in upper case is not a signature.
	r := call(t, server, "/internal/message", ping, goodKey, now)
	version, hex, _ := strings.Cut(signature.ID(r), "=")
	r.Header.Set(signature.Header, version+"="+strings.ToUpper(hex))
	response, body = do(t, r)
	assertProblem(t, response, body, 401, "signature_missing")

	for _, ttl := range f.seen {
		assert.GreaterOrEqual(t, ttl, 2*signature.MaxAge, "remembered as long as any instance accepts the signature")
	}
}

func TestConnectAndDisconnect(t *testing.T) {
	f := newFakes()
	server := f.serve(t)
	response, body := do(t, call(t, server, "/internal/connect", connectBody, goodKey, now))
	assert.Equal(t, 204, response.StatusCode, body)
	assert.Equal(t, backend.Connection{
		ID: "c-2", Owner: "ann", KeyID: "k-1", DomainName: "api.example", Stage: "prod",
		SourceIP:    netip.MustParseAddr("192.0.2.1"),
		ConnectedAt: now, ExpiresAt: now.Add(backend.ConnectionLifetime),
	}, f.connections["c-2"])

	disconnect := `{"requestId":"r-2","connectionId":"c-2","domainName":"api.example","stage":"prod","disconnectCode":1001,"disconnectReason":"away"}`
	for i := range 2 {
		response, body = do(t, call(t, server, "/internal/disconnect", disconnect, goodKey,
			now.Add(time.Duration(i)*time.Second)))
		assert.Equal(t, 204, response.StatusCode, body)
		assert.NotContains(t, f.connections, "c-2")
	}
}

func TestEventsAreChecked(t *testing.T) {
	replace := func(old, with string) string { return strings.Replace(connectBody, old, with, 1) }
	for name, test := range map[string]struct {
		body   string
		status int
		code   string
	}{
		"a new field":       {replace(`"stage"`, `"new":1,"stage"`), 204, ""},
		"no source address": {replace(`"sourceIp":"192.0.2.1",`, ""), 204, ""},
		"IPv6 with a zone":  {replace("192.0.2.1", "fe80::1%eth0"), 204, ""},
		"empty":             {"", 400, "invalid_request"},
		"not JSON":          {"hello", 400, "invalid_request"},
		"not an object":     {`[1]`, 400, "invalid_request"},
		"two objects":       {connectBody + connectBody, 400, "invalid_request"},
		"wrong type":        {replace(`"c-2"`, "2"), 400, "invalid_request"},
		"no connection":     {replace(`"c-2"`, `""`), 400, "invalid_request"},
		"no request":        {replace(`"requestId":"r-1",`, ""), 400, "invalid_request"},
		"a null byte":       {replace("c-2", `c\u0000`), 400, "invalid_request"},
		"a line break":      {replace("prod", `prod\r\nX: y`), 400, "invalid_request"},
		"a long name":       {replace("api.example", strings.Repeat("a", 256)), 400, "invalid_request"},
		"not an address":    {replace("192.0.2.1", "somewhere"), 400, "invalid_request"},
		"too large":         {replace("api.example", strings.Repeat("a", 1<<20)), 413, "body_too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakes()
			response, body := do(t, call(t, f.serve(t), "/internal/connect", test.body, goodKey, now))
			if test.status == 204 {
				assert.Equal(t, 204, response.StatusCode, body)
				return
			}
			assertProblem(t, response, body, test.status, test.code)
			assert.NotContains(t, f.connections, "c-2")
		})
	}
}

func TestMessagesWithoutTheDatabase(t *testing.T) {
	f := newFakes()
	server := f.serve(t)
	f.storeErr = &backend.Error{Code: wire.CodeUnavailable, Message: "try again", Err: errors.New("secret-detail")}
	response, body := do(t, call(t, server, "/internal/message", messageBody("c-9", `{"action":"ping"}`), goodKey, now))
	assert.Equal(t, 200, response.StatusCode)
	assert.JSONEq(t, `{"type":"pong"}`, body)
	for _, path := range []string{"/internal/connect", "/internal/disconnect"} {
		f.ticket(reader)
		response, body := do(t, call(t, server, path, connectBody, goodKey, now))
		assertProblem(t, response, body, 503, "unavailable")
		assert.NotContains(t, body, "secret-detail")
	}
	f.storeErr = errors.New("secret-detail")
	f.ticket(reader)
	response, body = do(t, call(t, server, "/internal/connect", connectBody, goodKey, now.Add(time.Second)))
	assertProblem(t, response, body, 500, "internal")
	assert.NotContains(t, body, "secret-detail")
	assert.Contains(t, f.log.String(), "secret-detail")
}

func TestUnknownConnection(t *testing.T) {
	_, body := do(t, call(t, newFakes().serve(t), "/internal/message",
		messageBody("c-9", `{"action":"ping"}`), goodKey, now))
	assert.JSONEq(t, `{"type":"error","code":"unknown_connection","message":"the connection is unknown; connect again"}`, body)
}

func TestPaths(t *testing.T) {
	server := newFakes().serve(t)
	for _, test := range []struct {
		method, path string
		status       int
		code         string
	}{
		{"GET", "/page", 404, "not_found"},
		{"GET", "/assets/none.js", 404, "not_found"},
		{"POST", "/", 404, "not_found"},
		{"GET", "/internal", 404, "not_found"},
		{"GET", "/health/x", 404, "not_found"},
		{"POST", "/health", 405, "method_not_allowed"},
		{"DELETE", "/ready", 405, "method_not_allowed"},
		{"GET", "/internal/connect", 405, "method_not_allowed"},
		{"PUT", "/internal/message", 405, "method_not_allowed"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), test.method, server.URL+test.path, nil)
		require.NoError(t, err)
		response, body := do(t, r)
		assertProblem(t, response, body, test.status, test.code)
		assert.Equal(t, test.status == 405, response.Header.Get("Allow") != "")
	}
	response, body := get(t, server.URL+"/health")
	assert.Equal(t, 200, response.StatusCode)
	assert.JSONEq(t, `{"status":"ok"}`, body)
	assert.Equal(t, "no-store", response.Header.Get("Cache-Control"))
}

func TestPanicBecomesProblem(t *testing.T) {
	f := newFakes()
	f.storePanic = true
	server := f.serve(t)
	response, body := do(t, call(t, server, "/internal/connect", connectBody, goodKey, now))
	assertProblem(t, response, body, 500, "internal")
	assert.NotContains(t, body, "secret-detail")
	assert.Contains(t, f.log.String(), "secret-detail")
	assert.Contains(t, f.log.String(), "http_test.go", "the log has the stack")
	response, _ = get(t, server.URL+"/health")
	assert.Equal(t, 200, response.StatusCode, "the server keeps running")
}

func TestLogLine(t *testing.T) {
	f := newFakes()
	server := f.serve(t)
	r := call(t, server, "/internal/message", messageBody("c-1", `{"action":"ping","k":"hunter2"}`), goodKey, now)
	r.Header.Set("X-Amzn-Trace-Id", "Root=1-67891233-abcdef012345678912345678")
	do(t, r)
	get(t, server.URL+"/health")
	get(t, server.URL+"/nothing?hunter2")
	server.Close() // waits until all lines are written

	lines := strings.Split(strings.TrimSpace(f.log.String()), "\n")
	require.Len(t, lines, 2, "successful health checks are not logged")
	var line map[string]any
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &line))
	delete(line, "time")
	delete(line, "ms")
	assert.Equal(t, map[string]any{
		"level": "INFO", "msg": "request", "trace": "Root=1-67891233-abcdef012345678912345678",
		"method": "POST", "route": "POST /internal/message", "status": 200.0,
		"requestId": "r-1", "connectionId": "c-1", "code": "invalid_message", "error": `got more members, want {"action":"ping"} only`,
	}, line)
	assert.NotContains(t, f.log.String(), "hunter2", "neither bodies nor queries are logged")
	assert.NotContains(t, f.log.String(), signature.ID(r))
}

// Metrics are labelled with the pattern of a route: anybody can make any number of
// paths.
func TestMetrics(t *testing.T) {
	f := newFakes()
	server := f.serve(t)
	for _, path := range []string{"/health", "/v1/portfolios/hunter2", "/hunter2", "/v1/keys?hunter2"} {
		get(t, server.URL+path)
	}
	do(t, call(t, server, "/internal/message", "not JSON", goodKey, now))
	response, _ := do(t, call(t, server, "/health", "", goodKey, now))
	assert.Equal(t, http.StatusMethodNotAllowed, response.StatusCode)
	assert.Equal(t, []string{"GET /v1/portfolios/{portfolio}", "/", "GET /v1/keys",
		"POST /internal/message", "/health"}, f.answered)
}

// A body that does not arrive ends the call after five seconds; a call that
// takes longer than that to serve is not affected.
func TestBodyDeadline(t *testing.T) {
	f := newFakes()
	f.storeDelay = 6 * time.Second
	server := f.serve(t)
	late := call(t, server, "/internal/connect", connectBody, goodKey, now)
	var slow sync.WaitGroup
	slow.Go(func() {
		response, body := do(t, late)
		assert.Equal(t, 204, response.StatusCode, body)
	})
	connection, err := net.Dial("tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer connection.Close()
	_, err = io.WriteString(connection, "POST /internal/connect HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n"+signature.Header+": v1=00\r\n\r\n{")
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assertProblem(t, reply{response.StatusCode, response.Header}, string(body), 408, "body_timeout")
	slow.Wait()
}
