package http

import (
	"errors"
	"net/http"
	"strconv"

	"portfolio/backend"
	"portfolio/contract/wire"
)

// statuses maps each code to an HTTP status.
var statuses = map[backend.Code]int{
	wire.CodeInternal:            http.StatusInternalServerError,
	backend.CodeInvalidRequest:   http.StatusBadRequest,
	backend.CodeNotFound:         http.StatusNotFound,
	backend.CodeMethodNotAllowed: http.StatusMethodNotAllowed,
	backend.CodeBodyTooLarge:     http.StatusRequestEntityTooLarge,
	backend.CodeBodyTimeout:      http.StatusRequestTimeout,
	wire.CodeUnavailable:         http.StatusServiceUnavailable,
	backend.CodeTimeout:          http.StatusServiceUnavailable,
	wire.CodeSignatureMissing:    http.StatusUnauthorized,
	wire.CodeSignatureStale:      http.StatusUnauthorized,
	wire.CodeSignatureMismatch:   http.StatusUnauthorized,
	wire.CodeSignatureReplayed:   http.StatusUnauthorized,

	backend.CodeUnauthenticated:     http.StatusUnauthorized,
	backend.CodeUnauthorized:        http.StatusUnauthorized,
	backend.CodeForbidden:           http.StatusForbidden,
	backend.CodeVersionConflict:     http.StatusPreconditionFailed,
	CodePreconditionRequired:        http.StatusPreconditionRequired,
	backend.CodeIdempotencyConflict: http.StatusUnprocessableEntity,
	backend.CodeOversold:            http.StatusUnprocessableEntity,
	CodeInvalidRows:                 http.StatusUnprocessableEntity,
	backend.CodeLimitReached:        http.StatusConflict,
	CodeRateLimited:                 http.StatusTooManyRequests,
	CodeOverloaded:                  http.StatusServiceUnavailable,
	CodeHTTPSRequired:               http.StatusForbidden,
	CodeCrossOrigin:                 http.StatusForbidden,
	CodeSignInDenied:                http.StatusForbidden,

	// An error in a client's message is the answer to it. The handler's call that
	// carried the message succeeded.
	wire.CodeMalformedJSON:        http.StatusOK,
	backend.CodeInvalidMessage:    http.StatusOK,
	backend.CodeUnknownAction:     http.StatusOK,
	backend.CodeUnknownConnection: http.StatusOK,
}

// problem is an error document (RFC 9457).
type problem struct {
	Type   string       `json:"type"`
	Title  string       `json:"title"`
	Status int          `json:"status"`
	Detail string       `json:"detail"`
	Code   backend.Code `json:"code"` // stable: programs may depend on it

	Fields []fieldProblem `json:"fields,omitempty"` // what is wrong with the request, by field
	Rows   []rowProblem   `json:"rows,omitempty"`   // what is wrong with an import, by row
}

type fieldProblem struct {
	Path string `json:"path"`
	Got  string `json:"got"`
	Want string `json:"want"`
}

// fieldErrors returns all field errors in an error's tree.
func fieldErrors(err error) (all []*backend.FieldError) {
	switch e := err.(type) { //nolint:errorlint // walks the tree itself, to find all of them
	case *backend.FieldError:
		return []*backend.FieldError{e}
	case interface{ Unwrap() []error }:
		for _, e := range e.Unwrap() {
			all = append(all, fieldErrors(e)...)
		}
	case interface{ Unwrap() error }:
		all = fieldErrors(e.Unwrap())
	}
	return all
}

// publicError returns the part of err that is safe to return to callers: a
// backend.Error with a listed code, and no details of any other error.
func publicError(err error) *backend.Error {
	var known *backend.Error
	if errors.As(err, &known) && statuses[known.Code] != 0 {
		return known
	}
	return &backend.Error{Code: wire.CodeInternal, Message: "internal error, which has been logged"}
}

// writeProblem answers with an error document.
func writeProblem(w http.ResponseWriter, err error) {
	public := publicError(err)
	status := statuses[public.Code]
	document := problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: public.Message, Code: public.Code,
	}
	for _, e := range fieldErrors(err) {
		document.Fields = append(document.Fields, fieldProblem{e.Path, e.Got, e.Want})
	}
	if refused := (*rowsError)(nil); errors.As(err, &refused) {
		document.Rows = refused.Problems
	}
	writeJSON(w, status, "application/problem+json", document)
}

// writeJSON answers with a value whose type can always be encoded.
func writeJSON(w http.ResponseWriter, status int, contentType string, value any) {
	writeText(w, status, contentType, append(wire.Encode(value), '\n'))
}

// writeText answers with a text of known length, so that it is not sent in chunks.
func writeText(w http.ResponseWriter, status int, contentType string, text []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text) //nolint:gosec // JSON or CSV, never run as HTML; the client may be gone
}
