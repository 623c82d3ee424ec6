package http

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"portfolio/backend"
	"portfolio/contract/wire"
)

// fields are the members of a client's message, without its action.
type fields map[string]json.RawMessage

// action answers a connection's message with a value to encode.
type action func(ctx context.Context, connection string, f fields) (any, error)

// actions are what clients can ask for, by the name they ask with.
type actions map[string]action

func (a *api) newActions() actions {
	return actions{"ping": ping, "subscribe": a.subscribe, "unsubscribe": a.unsubscribe, "resume": a.resume}
}

// known lists the actions for a client that named another one.
func (a actions) known() string { return strings.Join(slices.Sorted(maps.Keys(a)), ", ") }

// handle answers the text of a client's message.
func (a actions) handle(ctx context.Context, connection, text string) (any, error) {
	name, f, err := decodeMessage(text)
	if err != nil {
		return nil, err
	}
	act, known := a[name]
	if !known {
		return nil, &backend.Error{Code: backend.CodeUnknownAction, Message: "unknown action, known are: " + a.known()}
	}
	return act(ctx, connection, f)
}

// ping proves that the way from the client to the service and back is open.
func ping(_ context.Context, _ string, f fields) (any, error) {
	if len(f) > 0 {
		return nil, invalidMessage(`a ping is {"action":"ping"} and nothing else`)
	}
	return map[string]string{"type": "pong"}, nil
}

// decodeMessage reads a message strictly: one JSON object of at most wire.MaxMessage
// bytes, no member twice, and a string "action", spelled so.
func decodeMessage(text string) (action string, f fields, err error) {
	if len(text) > wire.MaxMessage {
		return "", nil, invalidMessage("a message has at most 128 KB")
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	if start, err := decoder.Token(); err != nil {
		return "", nil, malformed(err)
	} else if start != json.Delim('{') {
		return "", nil, invalidMessage(`a message is a JSON object such as {"action":"ping"}`)
	}
	f = fields{}
	for decoder.More() {
		name, err := decoder.Token() // of an object's member: a string
		if err != nil {
			return "", nil, malformed(err)
		}
		if _, twice := f[name.(string)]; twice {
			return "", nil, invalidMessage("a member is there twice")
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return "", nil, malformed(err)
		}
		f[name.(string)] = value
	}
	if _, err := decoder.Token(); err != nil { // the closing brace
		return "", nil, malformed(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return "", nil, malformed(errors.New("text after the object"))
	}
	var named *string
	if json.Unmarshal(f["action"], &named) != nil || named == nil {
		return "", nil, invalidMessage(`"action" is missing or no string`)
	}
	delete(f, "action")
	return *named, f, nil
}

func malformed(err error) error {
	return &backend.Error{Code: wire.CodeMalformedJSON, Message: "the message is no valid JSON", Err: err}
}

func invalidMessage(message string) error {
	return &backend.Error{Code: backend.CodeInvalidMessage, Message: message}
}
