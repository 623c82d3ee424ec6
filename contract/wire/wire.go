// Package wire defines the calls from the WebSocket handler to the service: their
// paths, bodies, statuses, error codes and limits. The two are deployed one after
// the other, so a receiver ignores members that it does not know, and members are
// added but never renamed.
package wire

import (
	"encoding/json"
	"net/http"
	"time"
)

// The paths of the calls, all POST. Each call is signed; see package signature.
const (
	ConnectPath    = "/internal/connect"    // body Connect
	MessagePath    = "/internal/message"    // body Message
	DisconnectPath = "/internal/disconnect" // body Disconnect
)

// HealthPath is where the load balancer checks that an instance is alive. The
// answer does not depend on anything else being reachable.
const HealthPath = "/health"

// The statuses of successful answers. Every other answer is a Problem.
const (
	StatusReply = http.StatusOK        // the body is JSON to send to the client
	StatusDone  = http.StatusNoContent // there is nothing to send
)

// How long the handler waits for an answer. Each leaves time to answer the client
// within IntegrationTimeout; the service gives up earlier still.
const (
	HandshakeTimeout = 10 * time.Second // to Connect and Disconnect
	MessageTimeout   = 25 * time.Second
)

// BalancerIdleTimeout is how long the load balancer keeps an idle connection open. The
// handler must not reuse a connection that was idle for longer, and the service must
// keep its connections open for longer, or the load balancer answers 502.
const BalancerIdleTimeout = 60 * time.Second

// DeregistrationDelay is how long the load balancer lets calls finish at an
// instance that is about to stop. The service drains within it.
const DeregistrationDelay = 30 * time.Second

// Limits of API Gateway's WebSocket APIs ("Amazon API Gateway quotas").
const (
	MaxMessage         = 128 << 10        // bytes of one message, in either direction
	IntegrationTimeout = 29 * time.Second // the longest wait for the handler's answer
	IdleTimeout        = 10 * time.Minute // an idle WebSocket is closed after this
	ConnectionLifetime = 2 * time.Hour    // any WebSocket is closed after this
)

// Event identifies an event of a connection. Every body begins with it. RequestID
// makes each call, and so its signature, unique.
type Event struct {
	RequestID    string `json:"requestId"`
	ConnectionID string `json:"connectionId"`
	DomainName   string `json:"domainName"` // of the WebSocket API, without a port
	Stage        string `json:"stage"`
}

// Common returns the members that all bodies share.
func (e Event) Common() Event { return e }

// Connect asks whether a client may connect. The service answers StatusDone to
// accept the client, or 401 or 403 to refuse it.
type Connect struct {
	Event
	SourceIP string              `json:"sourceIp"`
	Query    map[string][]string `json:"query"` // of the handshake's URL
}

// Message carries a client's message. The service answers StatusReply, StatusDone
// or a Problem.
type Message struct {
	Event
	SourceIP string `json:"sourceIp"`
	Body     string `json:"body"` // the client's text
}

// Disconnect reports that a connection is closed. The service answers StatusDone,
// even if the connection was reported before.
type Disconnect struct {
	Event
	Code   int    `json:"disconnectCode"` // of the WebSocket close frame
	Reason string `json:"disconnectReason"`
}

// Problem holds the members of the service's error documents (RFC 9457) that the
// handler reads.
type Problem struct {
	Detail string `json:"detail"`
	Code   Code   `json:"code"`
}

// Unsigned reports whether a call was refused because of its signature rather
// than because of the client it was made for.
func (p Problem) Unsigned(status int) bool {
	if status != http.StatusUnauthorized {
		return false
	}
	switch p.Code {
	case CodeSignatureMissing, CodeSignatureStale, CodeSignatureMismatch, CodeSignatureReplayed:
		return true
	}
	return false
}

// Error is an error as clients see it on the WebSocket.
type Error struct {
	Type      string `json:"type"`                // always "error"
	Portfolio string `json:"portfolio,omitempty"` // that it is about
	Code      Code   `json:"code"`
	Message   string `json:"message"`
}

// NewError returns the error with this code and message.
func NewError(code Code, message string) Error {
	return Error{Type: "error", Code: code, Message: message}
}

// Encode returns a value as JSON. It panics if the value cannot be encoded: use it only
// for values of types that always can be.
func Encode(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return text
}
