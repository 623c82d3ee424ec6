package http

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"portfolio/backend"
	"portfolio/contract/wire"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// fields are the members of a client's message other than its action.
type fields map[string]jsontext.Value

// action carries out a connection's message and returns the answer to encode.
type action func(ctx context.Context, connection string, f fields) (any, error)

// actions holds the actions by name.
type actions map[string]action

func (a *api) newActions() actions {
	return actions{"ping": ping, "subscribe": a.subscribe, "unsubscribe": a.unsubscribe, "resume": a.resume}
}

// known lists the names of the actions.
func (a actions) known() string { return strings.Join(slices.Sorted(maps.Keys(a)), ", ") }

// handle answers the text of a client's message.
func (a actions) handle(ctx context.Context, connection, text string) (any, error) {
	name, f, err := decodeMessage(text)
	if err != nil {
		return nil, err
	}
	act, known := a[name]
	if !known {
		return nil, &backend.Error{Code: backend.CodeUnknownAction,
			Message: "action: got an unknown one, want one of " + a.known()}
	}
	return act(ctx, connection, f)
}

// ping lets a client check that it reaches the service.
func ping(_ context.Context, _ string, f fields) (any, error) {
	if len(f) > 0 {
		return nil, invalidMessage(`got more members, want {"action":"ping"} only`)
	}
	return map[string]string{"type": "pong"}, nil
}

// decodeMessage reads a message strictly: one JSON object of at most wire.MaxMessage
// bytes with a string "action". As in bodies of the API, a name twice, invalid UTF-8
// and a lone surrogate are refused.
func decodeMessage(text string) (action string, f fields, err error) {
	if len(text) > wire.MaxMessage {
		return "", nil, invalidMessage(fmt.Sprintf("got %d bytes, want at most %d", len(text), wire.MaxMessage))
	}
	var value jsontext.Value
	if err := json.Unmarshal([]byte(text), &value); errors.Is(err, jsontext.ErrDuplicateName) {
		return "", nil, invalidMessage("got a member twice, want each at most once")
	} else if err != nil {
		return "", nil, &backend.Error{Code: wire.CodeMalformedJSON,
			Message: "got invalid JSON, want one JSON object", Err: err}
	}
	if value.Kind() != '{' {
		return "", nil, invalidMessage(`got JSON that is not an object, want an object such as {"action":"ping"}`)
	}
	f = fields{}
	for _, member := range children(value) {
		f[member.name] = member.value
	}
	named, found := f["action"]
	if !found || named.Kind() != '"' {
		return "", nil, invalidMessage(`action: got nothing or a value that is not a string, want one of the actions`)
	}
	delete(f, "action")
	err = json.Unmarshal(named, &action)
	return action, f, err
}

func invalidMessage(message string) error {
	return &backend.Error{Code: backend.CodeInvalidMessage, Message: message}
}
