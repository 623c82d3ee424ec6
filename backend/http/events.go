package http

import (
	"context"
	"encoding/json"
	"fmt"
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
			Code: backend.CodeInvalidRequest, Message: "body: got something else, want an event in JSON", Err: err,
		}
	}
	e := event.Common()
	for name, value := range map[string]string{
		"requestId": e.RequestID, "connectionId": e.ConnectionID, "domainName": e.DomainName, "stage": e.Stage,
	} {
		if !identifier(value) {
			return event, &backend.Error{Code: backend.CodeInvalidRequest,
				Message: fmt.Sprintf("%s: got %.64q, want 1–255 printable ASCII characters", name, value)}
		}
	}
	note(w, slog.String("requestId", e.RequestID), slog.String("connectionId", e.ConnectionID))
	return event, nil
}

// identifier reports whether text can be an ID or a name of AWS.
func identifier(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return text != "" && len(text) <= 255
}

// connect stores a new connection whose ticket is valid. Its client can send messages
// once this is answered.
func (a *api) connect(ctx context.Context, w http.ResponseWriter, body []byte) error {
	e, err := decodeEvent[wire.Connect](w, body)
	if err != nil {
		return err
	}
	var source netip.Addr
	if e.SourceIP != "" {
		if source, err = netip.ParseAddr(e.SourceIP); err != nil {
			return &backend.Error{Code: backend.CodeInvalidRequest,
				Message: fmt.Sprintf("sourceIp: got %.64q, want an IP address", e.SourceIP), Err: err}
		}
	}
	by, err := a.admit(ctx, network(source), e.Query)
	if err != nil {
		return err
	}
	note(w, slog.String("key", by.KeyID))
	now := a.Now()
	err = a.Connections.Add(ctx, backend.Connection{
		ID: e.ConnectionID, Owner: by.Owner, KeyID: by.KeyID, SessionID: by.SessionID, DomainName: e.DomainName,
		Stage: e.Stage, SourceIP: source.WithZone(""),
		ConnectedAt: now, ExpiresAt: now.Add(backend.ConnectionLifetime),
	})
	if err != nil {
		return err
	}
	w.WriteHeader(wire.StatusDone)
	return nil
}

// disconnect removes a connection, if it is still there.
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

// message answers a client's message. Errors in the message itself are answers to the
// client; other errors are errors of the call.
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
		note(w, slog.String("code", string(public.Code)), slog.Any("error", err))
		reply = wire.NewError(public.Code, public.Message)
	}
	writeJSON(w, wire.StatusReply, "application/json", reply)
	return nil
}

// lookupTimeout bounds looking up a connection.
const lookupTimeout = 2 * time.Second

// reply carries out a message. The client of an unknown connection has to connect
// again, because its subscriptions are lost. While the database is unreachable,
// every connection counts as known: an action that needs the database fails anyway.
func (a *api) reply(ctx context.Context, w http.ResponseWriter, e wire.Message) (any, error) {
	lookup, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	known, err := a.Connections.Known(lookup, e.ConnectionID, a.Now())
	switch {
	case err != nil:
		note(w, slog.Any("lookupError", err))
	case !known:
		return nil, &backend.Error{Code: backend.CodeUnknownConnection,
			Message: "the connection is unknown; connect again"}
	}
	return a.actions.handle(ctx, e.ConnectionID, e.Body)
}
