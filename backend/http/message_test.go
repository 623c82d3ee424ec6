package http

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"portfolio/backend"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMessages(t *testing.T) {
	for text, want := range map[string]backend.Code{
		`{"action":"ping"}`:                      "", // pong
		" {\n\"action\" : \"ping\" } ":           "",
		`{"action":"\u0070ing"}`:                 "",
		`{"action":"ping","id":1}`:               backend.CodeInvalidMessage,
		`{"action":"subscribe","p":1}`:           backend.CodeUnknownAction,
		`{"action":""}`:                          backend.CodeUnknownAction,
		`{"action":"PING"}`:                      backend.CodeUnknownAction,
		`{"action":null}`:                        backend.CodeInvalidMessage,
		`{"action":1}`:                           backend.CodeInvalidMessage,
		`{"Action":"ping"}`:                      backend.CodeInvalidMessage,
		`{}`:                                     backend.CodeInvalidMessage,
		`{"action":"ping","action":"ping"}`:      backend.CodeInvalidMessage,
		`{"action":"ping","\u0061ction":"ping"}`: backend.CodeInvalidMessage,
		`[]`:                                     backend.CodeInvalidMessage,
		`"ping"`:                                 backend.CodeInvalidMessage,
		`null`:                                   backend.CodeInvalidMessage,
		``:                                       backend.CodeMalformedJSON,
		`ping`:                                   backend.CodeMalformedJSON,
		`{"action":"ping"`:                       backend.CodeMalformedJSON,
		`{"action":"ping"}}`:                     backend.CodeMalformedJSON,
		`{"action":"ping"}{}`:                    backend.CodeMalformedJSON,
		`{"action":"ping",}`:                     backend.CodeMalformedJSON,
		`{"action" "ping"}`:                      backend.CodeMalformedJSON,
		`{action:"ping"}`:                        backend.CodeMalformedJSON,
		`{"action":` + strings.Repeat("[", 20000):                                      backend.CodeMalformedJSON,
		`{"action":"ping"}` + strings.Repeat(" ", maxMessage):                          backend.CodeInvalidMessage,
		`{"action":"ping"}` + strings.Repeat(" ", maxMessage-len(`{"action":"ping"}`)): "",
	} {
		reply, err := newActions().handle(t.Context(), text)
		name := text[:min(len(text), 40)]
		if want == "" {
			assert.NoError(t, err, name)
			assert.Equal(t, map[string]string{"type": "pong"}, reply, name)
			continue
		}
		var e *backend.Error
		if assert.ErrorAs(t, err, &e, name) {
			assert.Equal(t, want, e.Code, "%s: %v", name, err)
		}
	}
}

func TestUnknownActionListsTheKnown(t *testing.T) {
	_, err := newActions().handle(t.Context(), `{"action":"dance"}`)
	assert.EqualError(t, err, "unknown action, known are: ping")
}

// Whatever a client sends is decoded or refused with a code of a message, and
// what is decoded is JSON whose action the standard decoder finds too.
func FuzzDecodeMessage(f *testing.F) {
	for _, seed := range []string{
		`{"action":"ping"}`, `{"action":"x","a":{"b":[1,2.5e3,"\ud83d\ude00",null,true]}}`, `{"action":"a","action":"b"}`,
		`{"Action":"ping"}`, `{"action":1}`, `[{}]`, `{"action":"ping"}x`, `{"a`, "", "null", "\x00", `{"action":"\ud800"}`, "{\"\xff\":1}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, fields, err := decodeMessage(text)
		if err != nil {
			var e *backend.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, http.StatusOK, statuses[e.Code])
			return
		}
		require.LessOrEqual(t, len(text), maxMessage)
		var want map[string]json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(text), &want))
		var action string
		require.NoError(t, json.Unmarshal(want["action"], &action))
		require.Equal(t, action, name)
		require.Len(t, fields, len(want)-1)
	})
}

// Every code of the domain has its status, so that none is answered as a
// mistake of the service by accident.
func TestEveryCodeHasAStatus(t *testing.T) {
	source, err := os.ReadFile("../error.go")
	require.NoError(t, err)
	codes := regexp.MustCompile(`(?m)^\tCode\w+ +Code = "(\w+)"`).FindAllStringSubmatch(string(source), -1)
	require.Len(t, statuses, len(codes))
	for _, code := range codes {
		assert.NotZero(t, statuses[backend.Code(code[1])], code[1])
	}
}

func TestPublicErrorHidesTheInside(t *testing.T) {
	cause := errors.New("secret-detail")
	for _, err := range []error{cause, &backend.Error{Code: "unlisted", Message: "secret-detail", Err: cause}} {
		assert.Equal(t, backend.CodeInternal, publicError(err).Code)
		assert.NotContains(t, publicError(err).Message, "secret-detail")
	}
}
