package backend

import "portfolio/contract/wire"

// Code names a kind of error. Codes are stable: clients may depend on them.
type Code = wire.Code

// The codes of the service, in addition to those of package wire, which the WebSocket
// handler uses as well.
const (
	CodeInvalidRequest   Code = "invalid_request"
	CodeNotFound         Code = "not_found"
	CodeMethodNotAllowed Code = "method_not_allowed"
	CodeBodyTooLarge     Code = "body_too_large"
	CodeBodyTimeout      Code = "body_timeout"

	// In answers to messages on a WebSocket.
	CodeInvalidMessage    Code = "invalid_message"
	CodeUnknownAction     Code = "unknown_action"
	CodeUnknownConnection Code = "unknown_connection"

	// In messages on a WebSocket.
	CodeUnauthorized Code = "unauthorized" // the key has ended; the connection is closed
)

// Error is an error that is safe to return to callers, who see Code and Message;
// operators also see Err.
type Error struct {
	Code    Code
	Message string // for the caller, without internal details
	Err     error  // the cause, for logs only; may be nil
}

// Error is the text for logs.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return e.Message + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
