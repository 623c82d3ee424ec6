// Package wire is the contract of the HTTP calls from the WebSocket handler to
// the service: their paths, their bodies, and the codes of their errors. The two
// are deployed one after the other, so a receiver ignores members that it does
// not know, and members are added, never renamed.
package wire

import "net/http"

// The paths of the calls, all POST. Each call is signed; see package signature.
const (
	ConnectPath    = "/internal/connect"    // body Connect
	MessagePath    = "/internal/message"    // body Message
	DisconnectPath = "/internal/disconnect" // body Disconnect
)

// Event identifies an event of a connection and begins every body. RequestID
// makes each call, and so its signature, unique.
type Event struct {
	RequestID    string `json:"requestId"`
	ConnectionID string `json:"connectionId"`
	DomainName   string `json:"domainName"` // of the WebSocket API, without a port
	Stage        string `json:"stage"`
}

// Connect asks whether a client may connect. The service answers 204 to accept,
// 401 or 403 to refuse.
type Connect struct {
	Event
	SourceIP string              `json:"sourceIp"`
	Query    map[string][]string `json:"query"` // of the handshake's URL
}

// Message carries a client's message. The service answers 200 with the JSON to
// send back, 204 to send nothing, or a Problem.
type Message struct {
	Event
	SourceIP string `json:"sourceIp"`
	Body     string `json:"body"` // the client's text
}

// Disconnect reports that a connection is closed. The service answers 204, however
// often it is told.
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
	Type    string `json:"type"` // always "error"
	Code    Code   `json:"code"`
	Message string `json:"message"`
}

// NewError returns the error with this code and message.
func NewError(code Code, message string) Error {
	return Error{Type: "error", Code: code, Message: message}
}
