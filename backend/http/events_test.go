package http_test

import (
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/contract/wire"

	"github.com/stretchr/testify/assert"
)

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
