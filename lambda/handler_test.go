package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"portfolio/contract/wire"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const hello = `{"action":"` + greeting + `"}`

// failure returns the code and message of an error sent to a client.
func failure(t *testing.T, r response) (code, message string) {
	t.Helper()
	var got struct{ Type, Code, Message string }
	require.NoError(t, json.Unmarshal([]byte(r.Body), &got), r.Body)
	assert.Equal(t, "error", got.Type)
	assert.NotEmpty(t, got.Message)
	return got.Code, got.Message
}

func TestCalls(t *testing.T) {
	for name, test := range map[string]struct{ event, path, body string }{
		"connect": {connectEvent(), "POST /internal/connect",
			`{` + coordinates + `,"sourceIp":"192.0.2.7","query":{"ticket":["` + ticket + `"],"a":["1","2"]}}`},
		"connect without a query": {`{` + on("$connect") + `}`, "POST /internal/connect",
			`{` + coordinates + `,"sourceIp":"192.0.2.7","query":{}}`},
		"disconnect": {disconnectEvent(), "POST /internal/disconnect",
			`{` + coordinates + `,"disconnectCode":1001,"disconnectReason":"Going away"}`},
		"message": {messageEvent(hello), "POST /internal/message",
			`{` + coordinates + `,"sourceIp":"192.0.2.7","body":"{\"action\":\"` + greeting + `\"}"}`},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, []string{oldKey}, says(http.StatusNoContent, ""))
			assert.Equal(t, response{Status: http.StatusOK}, r.invoke(t, test.event))
			calls := r.service.got()
			require.Len(t, calls, 1)
			assert.Equal(t, test.path, calls[0].path)
			assert.JSONEq(t, test.body, calls[0].body)
			assert.NoError(t, calls[0].byOldKey)
			assert.Contains(t, r.logs.String(), `"requestId":"r-1","connectionId":"c-1="`)
		})
	}
}

// A handshake gets a status for each answer of the service; a disconnect always
// succeeds.
func TestConnectStatus(t *testing.T) {
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		want   int
	}{
		"accepted":                     {says(204, ""), 200},
		"refused":                      {refuses(401, "ticket_expired"), 401},
		"refused without a reason":     {says(401, ""), 401},
		"forbidden":                    {refuses(403, "forbidden"), 403},
		"a 403 about the signature":    {refuses(403, "signature_stale"), 403},
		"another signature code":       {refuses(401, "signature_of_the_client"), 401},
		"signature refused":            {refuses(401, "signature_mismatch"), 503},
		"not found":                    {says(404, replied), 503},
		"failing":                      {refuses(500, "internal"), 503},
		"no target":                    {says(503, "<html>"+replied), 503},
		"redirect":                     {redirect, 503},
		"accepted with another status": {says(200, ""), 503},
		"refused with a long text":     {says(401, strings.Repeat(" ", wire.MaxMessage+1)), 503},
		"cut off":                      {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 503},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, []string{oldKey}, test.answer)
			assert.Equal(t, response{Status: test.want}, r.invoke(t, connectEvent()))
			assert.Equal(t, response{Status: 200}, r.invoke(t, disconnectEvent()))
		})
	}
}

func redirect(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/elsewhere?"+ticket, http.StatusTemporaryRedirect)
}

func TestRedirectIsNotFollowed(t *testing.T) {
	r := newRig(t, []string{oldKey}, redirect, says(204, ""))
	r.invoke(t, connectEvent())
	assert.Len(t, r.service.got(), 1)
}

func TestMessageAnswer(t *testing.T) {
	answer := `{"type":"pong","text":"` + replied + `"}`
	longest := `"` + strings.Repeat("x", wire.MaxMessage-2) + `"`
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		want   string // the whole body, or
		code   string // the code of an error
		detail string
	}{
		"answered":             {answer: says(200, answer), want: answer},
		"no answer":            {answer: says(204, "")},
		"the longest answer":   {answer: says(200, longest), want: longest},
		"too long":             {answer: says(200, longest+" "), code: "reply_too_large"},
		"problem":              {answer: refuses(400, "unknown_action"), code: "unknown_action", detail: "detail of unknown_action"},
		"problem with a 401":   {answer: refuses(401, "connection_gone"), code: "connection_gone", detail: "detail of connection_gone"},
		"failing, documented":  {answer: refuses(500, "internal"), code: "internal", detail: "detail of internal"},
		"failing":              {answer: says(500, replied), code: "unavailable"},
		"no target":            {answer: says(503, "<html>"), code: "unavailable"},
		"redirect":             {answer: redirect, code: "unavailable"},
		"success without JSON": {answer: says(200, "<html>"), code: "unavailable"},
		"success, empty":       {answer: says(200, ""), code: "unavailable"},
		"signature refused":    {answer: refuses(401, "signature_stale"), code: "unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, []string{oldKey}, test.answer)
			got := r.invoke(t, messageEvent(hello))
			assert.Equal(t, http.StatusOK, got.Status)
			if test.code == "" {
				assert.Equal(t, test.want, got.Body)
				return
			}
			code, message := failure(t, got)
			assert.Equal(t, test.code, code)
			if test.detail != "" {
				assert.Equal(t, test.detail, message)
			}
		})
	}
}

// An answer without a body stays without one, so that no empty message is sent.
func TestNoAnswerHasNoBody(t *testing.T) {
	answer, err := newRig(t, []string{oldKey}, says(204, "")).handler.Invoke(t.Context(), []byte(messageEvent(hello)))
	require.NoError(t, err)
	assert.Equal(t, `{"statusCode":200}`, string(answer))
}

// A client's mistake is logged as information, a failing service as an error.
func TestMessageLogLevel(t *testing.T) {
	for status, level := range map[int]string{400: "INFO", 500: "ERROR"} {
		r := newRig(t, []string{oldKey}, refuses(status, "some_code"))
		r.invoke(t, messageEvent(hello))
		assert.Contains(t, r.logs.String(), `"level":"`+level+`","msg":"the service answered with an error"`, status)
	}
}

// These messages never reach the service.
func TestMessageRefused(t *testing.T) {
	for name, test := range map[string]struct{ event, code string }{
		"empty":           {messageEvent(""), "malformed_json"},
		"not JSON":        {messageEvent(greeting), "malformed_json"},
		"cut short":       {messageEvent(`{"action":`), "malformed_json"},
		"two documents":   {messageEvent(hello + hello), "malformed_json"},
		"binary":          {`{` + on("$default") + `,"body":"e30=","isBase64Encoded":true}`, "binary_message"},
		"not an event":    {`{` + on("$default") + `,"body":{"text":"` + greeting + `"}}`, "internal"},
		"no body at all":  {`{` + on("$default") + `}`, "malformed_json"},
		"null for a body": {`{` + on("$default") + `,"body":null}`, "malformed_json"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, []string{oldKey}, says(204, ""))
			got := r.invoke(t, test.event)
			assert.Equal(t, http.StatusOK, got.Status)
			code, _ := failure(t, got)
			assert.Equal(t, test.code, code)
			assert.Empty(t, r.service.got())
		})
	}
}

// An unknown event might be a handshake, so it is refused.
func TestUnknownEventIsRefused(t *testing.T) {
	for _, event := range []string{``, `null`, `[]`, `{}`, `{` + on("other") + `}`} {
		r := newRig(t, []string{oldKey}, says(204, ""))
		assert.Equal(t, response{Status: 503}, r.invoke(t, event), event)
		assert.Empty(t, r.service.got())
	}
}

// assertUnavailable checks the answers of a handler that cannot reach the service.
func assertUnavailable(t *testing.T, r *rig) {
	t.Helper()
	assert.Equal(t, response{Status: 503}, r.invoke(t, connectEvent()))
	assert.Equal(t, response{Status: 200}, r.invoke(t, disconnectEvent()))
	got := r.invoke(t, messageEvent(hello))
	assert.Equal(t, http.StatusOK, got.Status)
	code, _ := failure(t, got)
	assert.Equal(t, "unavailable", code)
}

func TestUnreachable(t *testing.T) {
	r := newRig(t, []string{oldKey}, says(204, ""))
	r.service.Close()
	assertUnavailable(t, r)
}

func TestSecretFails(t *testing.T) {
	r := newRig(t, []string{"", "", "", oldKey}, says(204, ""))
	assertUnavailable(t, r)
	assert.Empty(t, r.service.got())
	assert.Equal(t, response{Status: 200}, r.invoke(t, connectEvent()), "the fourth read of the secret succeeds")
}

// roundTrip is a transport without a network.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// offline returns a handler with its own transport, for synctest's clock.
func offline(transport roundTrip) *rig {
	return &rig{service: &fakeService{}, handler: &handler{
		service: &service{base: &url.URL{Scheme: "http", Host: "alb"}, client: lazy[*http.Client]{
			read: func(context.Context) (*http.Client, error) { return &http.Client{Transport: transport}, nil },
		}},
		key: lazy[[]byte]{read: func(context.Context) ([]byte, error) { return []byte(oldKey), nil }},
		now: time.Now,
		log: slog.New(slog.NewJSONHandler(io.Discard, nil)),
	}}
}

// A service that does not answer delays a handshake by 10 s and a message by 25 s,
// even if it first refuses the signature.
func TestTimeout(t *testing.T) {
	slow := func(refusals int) roundTrip {
		return func(r *http.Request) (*http.Response, error) {
			if refusals--; refusals >= 0 {
				time.Sleep(4 * time.Second)
				w := httptest.NewRecorder()
				refuses(401, "signature_stale")(w, r)
				return w.Result(), nil
			}
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
	}
	for name, test := range map[string]struct {
		event    string
		refusals int
		status   int
		after    time.Duration
	}{
		"connect":            {connectEvent(), 0, 503, 10 * time.Second},
		"connect, retried":   {connectEvent(), 1, 503, 10 * time.Second},
		"disconnect":         {disconnectEvent(), 0, 200, 10 * time.Second},
		"disconnect retried": {disconnectEvent(), 1, 200, 10 * time.Second},
		"message":            {messageEvent(hello), 0, 200, 25 * time.Second},
		"message, retried":   {messageEvent(hello), 1, 200, 25 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				answer, err := offline(slow(test.refusals)).handler.Invoke(t.Context(), []byte(test.event))
				require.NoError(t, err)
				var got response
				require.NoError(t, json.Unmarshal(answer, &got))
				assert.Equal(t, test.status, got.Status)
				assert.Equal(t, test.after, time.Since(began))
			})
		})
	}
}

// Reading the secret takes at most 3 s.
func TestSecretTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lazy[[]byte]{read: func(ctx context.Context) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() }}
		began := time.Now()
		_, err := l.get(t.Context())
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 3*time.Second, time.Since(began))
	})
}

func TestErrorsNameNoURL(t *testing.T) {
	cause := &net.OpError{Op: "dial", Err: errors.New("refused")}
	assert.Equal(t, error(cause), withoutURL(&url.Error{Op: "Post", URL: "http://alb/" + ticket, Err: cause}))
	assert.Equal(t, error(cause), withoutURL(cause))
}
