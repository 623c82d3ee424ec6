package http

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"portfolio/backend"
	"portfolio/contract/wire"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMessages(t *testing.T) {
	for text, want := range map[string]backend.Code{
		`{"action":"ping"}`:                      "", // pong
		" {\n\"action\" : \"ping\" } ":           "",
		`{"action":"\u0070ing"}`:                 "",
		`{"action":"ping","id":1}`:               backend.CodeInvalidMessage,
		`{"action":"dance","p":1}`:               backend.CodeUnknownAction,
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
		``:                                       wire.CodeMalformedJSON,
		`ping`:                                   wire.CodeMalformedJSON,
		`{"action":"ping"`:                       wire.CodeMalformedJSON,
		`{"action":"pi\ud800ng"}`:                wire.CodeMalformedJSON,
		"{\"action\":\"ping\xff\"}":              wire.CodeMalformedJSON,
		`{"action":"ping"}}`:                     wire.CodeMalformedJSON,
		`{"action":"ping"}{}`:                    wire.CodeMalformedJSON,
		`{"action":"ping",}`:                     wire.CodeMalformedJSON,
		`{"action" "ping"}`:                      wire.CodeMalformedJSON,
		`{action:"ping"}`:                        wire.CodeMalformedJSON,
		`{"action":` + strings.Repeat("[", 20000):                                           wire.CodeMalformedJSON,
		`{"action":"ping"}` + strings.Repeat(" ", wire.MaxMessage):                          backend.CodeInvalidMessage,
		`{"action":"ping"}` + strings.Repeat(" ", wire.MaxMessage-len(`{"action":"ping"}`)): "",
	} {
		reply, err := (&api{}).newActions().handle(t.Context(), "c", text)
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

func TestUnknownActionListsKnownOnes(t *testing.T) {
	_, err := (&api{}).newActions().handle(t.Context(), "c", `{"action":"dance"}`)
	assert.EqualError(t, err, `action: got an unknown one, want one of ping, resume, subscribe, unsubscribe`)
}

// Whatever a client sends is either decoded, or refused with a code of a message. What
// is decoded is JSON in which the standard decoder finds the same action.
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
		require.LessOrEqual(t, len(text), wire.MaxMessage)
		var want map[string]json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(text), &want))
		var action string
		require.NoError(t, json.Unmarshal(want["action"], &action))
		require.Equal(t, action, name)
		require.Len(t, fields, len(want)-1)
	})
}

// Every code has a status: an error without one would be answered as an internal error.
func TestEveryCodeHasAStatus(t *testing.T) {
	var files []string
	for _, pattern := range []string{"../../contract/wire/*.go", "../*.go", "*.go"} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		files = append(files, found...)
	}
	codes := map[backend.Code]bool{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, code := range regexp.MustCompile(`(?m)\bCode\w+ +(?:backend\.)?Code += "(\w+)"`).FindAllStringSubmatch(string(source), -1) {
			codes[backend.Code(code[1])] = true
		}
	}
	assert.Greater(t, len(codes), 20)
	delete(codes, wire.CodeBinaryMessage) // only the WebSocket handler answers with these two
	delete(codes, wire.CodeReplyTooLarge)
	for code := range codes {
		assert.NotZero(t, statuses[code], code)
	}
	assert.Len(t, statuses, len(codes))
}

func TestPublicErrorHidesDetails(t *testing.T) {
	cause := errors.New("secret-detail")
	for _, err := range []error{cause, &backend.Error{Code: "unlisted", Message: "secret-detail", Err: cause}} {
		assert.Equal(t, wire.CodeInternal, publicError(err).Code)
		assert.NotContains(t, publicError(err).Message, "secret-detail")
	}
}
