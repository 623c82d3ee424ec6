package http_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"portfolio/contract/signature"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
	assert.Contains(t, f.log.String(), "fakes_test.go", "the log has the stack")
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

// A client that has gone is not an error of the service.
func TestLogLineOfAClientThatHasGone(t *testing.T) {
	for gone, want := range map[bool]string{true: `"level":"INFO"`, false: `"level":"ERROR"`} {
		f := newFakes()
		f.checks = map[string]func(context.Context) error{
			"database": func(context.Context) error { return errors.New("no answer") },
		}
		f.serve(t)
		ctx, leave := context.WithCancel(t.Context())
		if gone {
			leave()
		}
		w := httptest.NewRecorder()
		f.handler.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/ready", nil))
		leave()
		assert.Equal(t, 503, w.Code)
		assert.Contains(t, f.log.String(), want)
		assert.Equal(t, gone, strings.Contains(f.log.String(), `"clientGone":true`), f.log.String())
	}
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
	_, err = io.WriteString(connection,
		"POST /internal/connect HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n"+signature.Header+": v1=00\r\n\r\n{")
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assertProblem(t, reply{response.StatusCode, response.Header}, string(body), 408, "body_timeout")
	slow.Wait()
}
