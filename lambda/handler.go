package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"portfolio/contract/wire"
)

// handler turns events of the WebSocket API into calls to the service.
type handler struct {
	service *service
	key     lazy[[]byte] // signs the calls
	now     func() time.Time
	log     *slog.Logger
}

// Invoke answers one event. The error is always nil, because the client gets no
// answer from a function that fails. Log lines identify the request and the
// connection, and contain nothing that the client or the service sent.
func (h *handler) Invoke(ctx context.Context, payload []byte) (answer []byte, _ error) {
	var e event
	log := h.log
	defer func() {
		if failure := recover(); failure != nil {
			// Only the type: the value may contain what the client sent.
			log.Error("handling the event panicked", "type", fmt.Sprintf("%T", failure), "stack", string(debug.Stack()))
			answer = wire.Encode(e.failure(wire.CodeInternal, internalError))
		}
	}()
	err := json.Unmarshal(payload, &e)
	log = log.With("requestId", e.Context.RequestID, "connectionId", e.Context.ConnectionID,
		"route", e.Context.RouteKey)
	if err != nil {
		log.Error("the event is not one of API Gateway's") // the error may contain what the client sent
		return wire.Encode(e.failure(wire.CodeInternal, internalError)), nil
	}
	began := h.now()
	r := h.answer(ctx, log, e)
	log.Info("event answered", "status", r.Status, "milliseconds", h.now().Sub(began).Milliseconds())
	return wire.Encode(r), nil
}

const internalError = "internal error, which has been logged"

func (h *handler) answer(ctx context.Context, log *slog.Logger, e event) response {
	switch e.Context.RouteKey {
	case routeConnect:
		return h.connect(ctx, log, e)
	case routeDisconnect:
		return h.disconnect(ctx, log, e)
	case routeDefault:
		return h.message(ctx, log, e)
	}
	log.Error("the event's route is unknown")
	return e.failure(wire.CodeInternal, internalError)
}

// connect asks the service to accept or refuse a handshake. Any other outcome is a
// 503, which tells the client to try again later.
func (h *handler) connect(ctx context.Context, log *slog.Logger, e event) response {
	query := e.Query
	if query == nil {
		query = map[string][]string{}
	}
	r, err := h.call(ctx, log, wire.HandshakeTimeout, wire.ConnectPath,
		wire.Connect{Event: e.Context.Event, SourceIP: e.Context.Identity.SourceIP, Query: query})
	switch {
	case err != nil:
		log.Error("calling the service failed", slog.Any("error", err))
	case r.status == wire.StatusDone:
		return response{Status: http.StatusOK}
	case r.unsigned():
		log.Error("the service refused the signature", "code", r.problem().Code)
	case r.status == http.StatusUnauthorized, r.status == http.StatusForbidden:
		return response{Status: r.status}
	default:
		log.Error("the service answered with an unexpected status", "serviceStatus", r.status)
	}
	return e.failure(wire.CodeUnavailable, "")
}

// disconnect reports to the service that a connection is closed. It always succeeds:
// the client is gone, and the service lets connections expire anyway.
func (h *handler) disconnect(ctx context.Context, log *slog.Logger, e event) response {
	r, err := h.call(ctx, log, wire.HandshakeTimeout, wire.DisconnectPath, wire.Disconnect{
		Event: e.Context.Event, Code: e.Context.DisconnectCode, Reason: e.Context.DisconnectReason,
	})
	if err != nil {
		log.Error("calling the service failed", slog.Any("error", err))
	} else if r.status != wire.StatusDone {
		log.Error("the service answered with an unexpected status", "serviceStatus", r.status)
	}
	return response{Status: http.StatusOK}
}

// message answers a client's message with the service's reply, if there is one, or
// with an error. The socket stays open in any case.
func (h *handler) message(ctx context.Context, log *slog.Logger, e event) response {
	if e.IsBase64Encoded {
		return e.failure(wire.CodeBinaryMessage, "got a binary message, want JSON text")
	}
	if !json.Valid([]byte(e.Body)) {
		return e.failure(wire.CodeMalformedJSON, `got invalid JSON, want JSON such as {"action":"ping"}`)
	}
	r, err := h.call(ctx, log, wire.MessageTimeout, wire.MessagePath,
		wire.Message{Event: e.Context.Event, SourceIP: e.Context.Identity.SourceIP, Body: e.Body})
	switch {
	case errors.Is(err, errTooLarge):
		log.Error("calling the service failed", slog.Any("error", err))
		return e.failure(wire.CodeReplyTooLarge, "the answer is too large for one message; ask for less")
	case err != nil:
		log.Error("calling the service failed", slog.Any("error", err))
		return e.failure(wire.CodeUnavailable, "the service cannot be reached; try again later")
	case r.status == wire.StatusDone:
		return response{Status: http.StatusOK}
	case r.status == wire.StatusReply && json.Valid(r.body):
		return response{Status: http.StatusOK, Body: string(r.body)}
	}
	p := r.problem()
	documented := p.Code != "" && !r.unsigned()
	level := slog.LevelError
	if documented && r.status < http.StatusInternalServerError {
		level = slog.LevelInfo // the client's mistake
	}
	log.Log(ctx, level, "the service answered with an error", "serviceStatus", r.status, "code", p.Code)
	if !documented {
		return e.failure(wire.CodeUnavailable, "the service failed; try again later")
	}
	return e.failure(p.Code, p.Detail)
}

// call posts a body. If the service refuses the signature, call reads the key again,
// because it may have been rotated, and posts once more. Both end within timeout.
func (h *handler) call(ctx context.Context, log *slog.Logger, timeout time.Duration, path string,
	body any) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	r, err := h.post(ctx, path, wire.Encode(body))
	if err != nil || !r.unsigned() {
		return r, err
	}
	log.Warn("the service refused the signature; reading the key again", "code", r.problem().Code)
	h.key.forget()
	return h.post(ctx, path, wire.Encode(body))
}

func (h *handler) post(ctx context.Context, path string, body []byte) (reply, error) {
	key, err := h.key.get(ctx)
	if err != nil {
		return reply{}, err
	}
	return h.service.post(ctx, path, key, body, h.now())
}
