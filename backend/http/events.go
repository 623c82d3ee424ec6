package http

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"portfolio/backend"
	"portfolio/contract/wire"
)

// decodeEvent decodes the body of a call and adds its IDs to the request's log line.
func decodeEvent[T interface{ Common() wire.Event }](w http.ResponseWriter, body []byte) (event T, err error) {
	if err := json.Unmarshal(body, &event); err != nil {
		return event, &backend.Error{
			Code: backend.CodeInvalidRequest, Message: "body: got something else, want a JSON object that describes an event", Err: err,
		}
	}
	e := event.Common()
	for name, value := range map[string]string{
		"requestId": e.RequestID, "connectionId": e.ConnectionID, "domainName": e.DomainName, "stage": e.Stage,
	} {
		if !identifier(value) {
			return event, &backend.Error{Code: backend.CodeInvalidRequest, Message: name + ": want 1 to 255 printable ASCII characters"}
		}
	}
	note(w, slog.String("requestId", e.RequestID), slog.String("connectionId", e.ConnectionID))
	return event, nil
}

// identifier reports whether text may be an id or a name of AWS.
func identifier(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return text != "" && len(text) <= 255
}

// connect keeps a new connection whose ticket is good. A client may send messages
// once this is answered.
func (a *api) connect(ctx context.Context, w http.ResponseWriter, body []byte) error {
	e, err := decodeEvent[wire.Connect](w, body)
	if err != nil {
		return err
	}
	var source netip.Addr
	if e.SourceIP != "" {
		if source, err = netip.ParseAddr(e.SourceIP); err != nil {
			return &backend.Error{Code: backend.CodeInvalidRequest, Message: "sourceIp: want an IP address", Err: err}
		}
	}
	by, err := a.admit(ctx, network(source), e.Query)
	if err != nil {
		return err
	}
	note(w, slog.String("key", by.KeyID))
	now := a.Now()
	err = a.Connections.Add(ctx, backend.Connection{
		ID: e.ConnectionID, Owner: by.Owner, KeyID: by.KeyID, DomainName: e.DomainName, Stage: e.Stage, SourceIP: source.WithZone(""),
		ConnectedAt: now, ExpiresAt: now.Add(backend.ConnectionLifetime),
	})
	if err != nil {
		return err
	}
	w.WriteHeader(wire.StatusDone)
	return nil
}

// disconnect forgets a connection, however often it is told to.
func (a *api) disconnect(ctx context.Context, w http.ResponseWriter, body []byte) error {
	e, err := decodeEvent[wire.Disconnect](w, body)
	if err != nil {
		return err
	}
	note(w, slog.Int("disconnectCode", e.Code))
	if err := a.Connections.Remove(ctx, e.ConnectionID); err != nil {
		return err
	}
	w.WriteHeader(wire.StatusDone)
	return nil
}

// message answers a client's message. What is wrong with the message itself is
// told to the client in an answer; other errors are the call's.
func (a *api) message(ctx context.Context, w http.ResponseWriter, body []byte) error {
	e, err := decodeEvent[wire.Message](w, body)
	if err != nil {
		return err
	}
	reply, err := a.reply(ctx, w, e)
	if err != nil {
		public := publicError(err)
		if statuses[public.Code] != http.StatusOK {
			return err
		}
		note(w, slog.String("code", string(public.Code)), slog.String("error", err.Error()))
		reply = wire.NewError(public.Code, public.Message)
	}
	writeJSON(w, wire.StatusReply, "application/json", reply)
	return nil
}

// lookupTimeout bounds the question whether a connection is known.
const lookupTimeout = 2 * time.Second

// reply carries a message out. A connection that is not kept has to be made
// anew: what it once said of itself is gone. While the database is away nobody
// is turned out for that; an action that needs it fails by itself.
func (a *api) reply(ctx context.Context, w http.ResponseWriter, e wire.Message) (any, error) {
	lookup, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	known, err := a.Connections.Known(lookup, e.ConnectionID, a.Now())
	switch {
	case err != nil:
		note(w, slog.String("lookup", err.Error()))
	case !known:
		return nil, &backend.Error{Code: backend.CodeUnknownConnection, Message: "this connection is not known any more, connect again"}
	}
	return a.actions.handle(ctx, e.ConnectionID, e.Body)
}
