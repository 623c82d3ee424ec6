package http_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"portfolio/contract/signature"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// call is a signed request, as the WebSocket handler makes it.
func call(t *testing.T, server *httptest.Server, path, body string, key []byte, at time.Time) *http.Request {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	signature.Sign(r, key, []byte(body), at)
	return r
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
