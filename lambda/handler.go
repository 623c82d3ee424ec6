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

const (
	// handshakeTimeout bounds the calls that open and close a connection.
	handshakeTimeout = 10 * time.Second
	// messageTimeout leaves time to say so before API Gateway gives up at 29 s.
	messageTimeout = 25 * time.Second
)

// handler turns events of the WebSocket API into calls to the service.
type handler struct {
	service *service
	key     lazy[[]byte] // signs the calls
	now     func() time.Time
	log     *slog.Logger
}

// Invoke answers one event. Its error is always nil: a function that fails costs
// the client its answer and tells it nothing. Logs name the request and the
// connection, and hold nothing of what the client or the service sent.
func (h *handler) Invoke(ctx context.Context, payload []byte) (answer []byte, _ error) {
	var e event
	log := h.log
	defer func() {
		if failure := recover(); failure != nil {
			// The type alone: the value may quote what was being handled.
			log.Error("panic", "type", fmt.Sprintf("%T", failure), "stack", string(debug.Stack()))
			answer = encode(e.failure(wire.CodeInternal, "the message could not be handled"))
		}
	}()
	err := json.Unmarshal(payload, &e)
	log = log.With("requestId", e.Context.RequestID, "connectionId", e.Context.ConnectionID, "route", e.Context.RouteKey)
	if err != nil {
		log.Error("the event is not one of API Gateway's")
		return encode(e.failure(wire.CodeInternal, "the message could not be handled")), nil
	}
	began := h.now()
	r := h.answer(ctx, log, e)
	log.Info("answered", "status", r.Status, "milliseconds", h.now().Sub(began).Milliseconds())
	return encode(r), nil
}

func (h *handler) answer(ctx context.Context, log *slog.Logger, e event) response {
	switch e.Context.RouteKey {
	case routeConnect:
		return h.connect(ctx, log, e)
	case routeDisconnect:
		return h.disconnect(ctx, log, e)
	case routeDefault:
		return h.message(ctx, log, e)
	}
	log.Error("no such route")
	return e.failure(wire.CodeInternal, "the message could not be handled")
}

// connect lets the service decide about a handshake. Whatever is not its clear
// yes or no is a 503: try again later.
func (h *handler) connect(ctx context.Context, log *slog.Logger, e event) response {
	query := e.Query
	if query == nil {
		query = map[string][]string{}
	}
	r, err := h.call(ctx, log, handshakeTimeout, wire.ConnectPath,
		wire.Connect{Event: e.Context.Event, SourceIP: e.Context.Identity.SourceIP, Query: query})
	switch {
	case err != nil:
		log.Error("handshake", "error", err.Error())
	case r.status == http.StatusNoContent:
		return response{Status: http.StatusOK}
	case r.unsigned():
		log.Error("handshake", "error", "the service refuses the signature")
	case r.status == http.StatusUnauthorized, r.status == http.StatusForbidden:
		return response{Status: r.status}
	default:
		log.Error("handshake", "serviceStatus", r.status)
	}
	return e.failure(wire.CodeUnavailable, "")
}

// disconnect tells the service that a connection is gone. It never fails: there
// is nobody to tell, and the service lets connections expire besides.
func (h *handler) disconnect(ctx context.Context, log *slog.Logger, e event) response {
	r, err := h.call(ctx, log, handshakeTimeout, wire.DisconnectPath, wire.Disconnect{
		Event: e.Context.Event, Code: e.Context.DisconnectCode, Reason: e.Context.DisconnectReason,
	})
	if err != nil {
		log.Error("farewell", "error", err.Error())
	} else if r.status != http.StatusNoContent {
		log.Error("farewell", "serviceStatus", r.status)
	}
	return response{Status: http.StatusOK}
}

// message answers a client's message with what the service says, if it says
// anything, or with an error. The socket stays open in any case.
func (h *handler) message(ctx context.Context, log *slog.Logger, e event) response {
	if e.IsBase64Encoded {
		return e.failure(wire.CodeBinaryMessage, "messages are JSON text, not binary")
	}
	if !json.Valid([]byte(e.Body)) {
		return e.failure(wire.CodeMalformedJSON, `messages are JSON such as {"action":"ping"}`)
	}
	r, err := h.call(ctx, log, messageTimeout, wire.MessagePath,
		wire.Message{Event: e.Context.Event, SourceIP: e.Context.Identity.SourceIP, Body: e.Body})
	switch {
	case errors.Is(err, errTooLarge):
		log.Error("message", "error", err.Error())
		return e.failure(wire.CodeReplyTooLarge, "the answer is too large to send, ask for less")
	case err != nil:
		log.Error("message", "error", err.Error())
		return e.failure(wire.CodeUnavailable, "the service cannot be reached, try again")
	case r.status == http.StatusNoContent:
		return response{Status: http.StatusOK}
	case r.status == http.StatusOK && json.Valid(r.body):
		return response{Status: http.StatusOK, Body: string(r.body)}
	}
	p := r.problem()
	documented := p.Code != "" && !r.unsigned()
	level := slog.LevelError
	if documented && r.status < http.StatusInternalServerError {
		level = slog.LevelInfo // the client's mistake
	}
	log.Log(ctx, level, "message", "serviceStatus", r.status, "code", p.Code)
	if !documented {
		return e.failure(wire.CodeUnavailable, "the service failed, try again")
	}
	return e.failure(p.Code, p.Detail)
}

// call posts a body, once more with the key read anew where the service refuses
// the signature: the key may have been rotated. All of it ends within timeout.
func (h *handler) call(ctx context.Context, log *slog.Logger, timeout time.Duration, path string, body any) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	r, err := h.post(ctx, path, encode(body))
	if err != nil || !r.unsigned() {
		return r, err
	}
	log.Warn("signature refused, reading the key again", "code", r.problem().Code)
	h.key.forget()
	return h.post(ctx, path, encode(body))
}

func (h *handler) post(ctx context.Context, path string, body []byte) (reply, error) {
	key, err := h.key.get(ctx)
	if err != nil {
		return reply{}, err
	}
	return h.service.post(ctx, path, key, body, h.now())
}
