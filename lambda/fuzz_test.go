package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// For every event and every answer of the service there is no error, and an answer
// that API Gateway understands with a status that is valid for the route.
func FuzzInvoke(f *testing.F) {
	for _, event := range []string{
		connectEvent(), disconnectEvent(), messageEvent(hello), messageEvent(""), messageEvent("\xff"),
		`{` + on("other") + `}`, `{` + on("$default") + `,"isBase64Encoded":true}`, `{` + on("$default") + `,"body":7}`,
		`{"requestContext":null}`, `{"requestContext":{"routeKey":"$connect","identity":[]}}`, `null`, `[]`, `{`, ``,
	} {
		f.Add([]byte(event), 200, []byte(`{"type":"pong"}`))
		f.Add([]byte(event), 401, []byte(`{"code":"signature_stale"}`))
		f.Add([]byte(event), 403, []byte(`{"code":7}`))
		f.Add([]byte(event), 204, []byte(nil))
	}
	f.Fuzz(func(t *testing.T, payload []byte, status int, body []byte) {
		calls := 0
		r := offline(func(*http.Request) (*http.Response, error) {
			calls++
			return &http.Response{StatusCode: status, Body: io.NopCloser(bytes.NewReader(body))}, nil
		})
		answer, err := r.handler.Invoke(t.Context(), payload)
		require.NoError(t, err)
		var got response
		require.NoError(t, json.Unmarshal(answer, &got), string(answer))
		assert.LessOrEqual(t, calls, 2)

		var e event
		_ = json.Unmarshal(payload, &e)
		switch e.Context.RouteKey {
		case routeConnect:
			assert.True(t, slices.Contains([]int{200, 401, 403, 503}, got.Status), got.Status)
			assert.Equal(t, got.Status == 200, status == http.StatusNoContent && calls > 0)
		case routeDisconnect:
			assert.Equal(t, 200, got.Status)
		case routeDefault:
			assert.Equal(t, 200, got.Status)
			assert.True(t, got.Body == "" || json.Valid([]byte(got.Body)), got.Body)
		default:
			assert.Equal(t, 503, got.Status)
			assert.Zero(t, calls)
		}
	})
}
