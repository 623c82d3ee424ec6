package http

import (
	"errors"
	"net/http"

	"portfolio/backend"
	"portfolio/contract/wire"
)

// statuses says how each code is answered.
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
	backend.CodeForbidden:           http.StatusForbidden,
	backend.CodeVersionConflict:     http.StatusPreconditionFailed,
	CodePreconditionRequired:        http.StatusPreconditionRequired,
	backend.CodeIdempotencyConflict: http.StatusUnprocessableEntity,
	backend.CodeOversold:            http.StatusUnprocessableEntity,
	CodeInvalidRows:                 http.StatusUnprocessableEntity,
	backend.CodeLimitReached:        http.StatusConflict,
	CodeRateLimited:                 http.StatusTooManyRequests,

	// What is wrong with a client's message is an answer to it: the call that
	// brought the message went well.
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
	Code   backend.Code `json:"code"` // stable, for programs

	Fields []fieldProblem `json:"fields,omitempty"` // what is wrong with the request, by field
	Rows   []rowProblem   `json:"rows,omitempty"`   // what is wrong with an import, by row
}

type fieldProblem struct {
	Path string `json:"path"`
	Got  string `json:"got"`
	Want string `json:"want"`
}

// fieldProblems finds the FieldErrors of an error.
func fieldProblems(err error) []fieldProblem {
	var all []fieldProblem
	switch e := err.(type) { //nolint:errorlint // walks the tree itself, to find them all
	case *backend.FieldError:
		all = append(all, fieldProblem{e.Path, e.Got, e.Want})
	case interface{ Unwrap() []error }:
		for _, e := range e.Unwrap() {
			all = append(all, fieldProblems(e)...)
		}
	case interface{ Unwrap() error }:
		all = fieldProblems(e.Unwrap())
	}
	return all
}

// publicError is what a stranger is told of err: a backend.Error with a listed
// code as it is, and of any other error nothing but that there was one.
func publicError(err error) *backend.Error {
	var known *backend.Error
	if errors.As(err, &known) && statuses[known.Code] != 0 {
		return known
	}
	return &backend.Error{Code: wire.CodeInternal, Message: "the service made a mistake; it was logged"}
}

// writeProblem answers with err.
func writeProblem(w http.ResponseWriter, err error) {
	public := publicError(err)
	status := statuses[public.Code]
	document := problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: public.Message, Code: public.Code,
		Fields: fieldProblems(err),
	}
	if refused := (*rowsError)(nil); errors.As(err, &refused) {
		document.Rows = refused.Problems
	}
	writeJSON(w, status, "application/problem+json", document)
}

// writeJSON answers with a value that always encodes.
func writeJSON(w http.ResponseWriter, status int, contentType string, value any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(append(wire.Encode(value), '\n')) // the client may be gone, which is its business
}
