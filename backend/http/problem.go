package http

import (
	"encoding/json"
	"errors"
	"net/http"

	"portfolio/backend"
)

// statuses says how each code is answered.
var statuses = map[backend.Code]int{
	backend.CodeInternal:          http.StatusInternalServerError,
	backend.CodeInvalidRequest:    http.StatusBadRequest,
	backend.CodeNotFound:          http.StatusNotFound,
	backend.CodeMethodNotAllowed:  http.StatusMethodNotAllowed,
	backend.CodeBodyTooLarge:      http.StatusRequestEntityTooLarge,
	backend.CodeBodyTimeout:       http.StatusRequestTimeout,
	backend.CodeUnavailable:       http.StatusServiceUnavailable,
	backend.CodeSignatureMissing:  http.StatusUnauthorized,
	backend.CodeSignatureStale:    http.StatusUnauthorized,
	backend.CodeSignatureMismatch: http.StatusUnauthorized,
	backend.CodeSignatureReplayed: http.StatusUnauthorized,

	// What is wrong with a client's message is an answer to it: the call that
	// brought the message went well.
	backend.CodeMalformedJSON:     http.StatusOK,
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
}

// publicError is what a stranger is told of err: a backend.Error with a listed
// code as it is, and of any other error nothing but that there was one.
func publicError(err error) *backend.Error {
	var known *backend.Error
	if errors.As(err, &known) && statuses[known.Code] != 0 {
		return known
	}
	return &backend.Error{Code: backend.CodeInternal, Message: "the service made a mistake; it was logged"}
}

// writeProblem answers with err.
func writeProblem(w http.ResponseWriter, err error) {
	public := publicError(err)
	status := statuses[public.Code]
	writeJSON(w, status, "application/problem+json", problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: public.Message, Code: public.Code,
	})
}

// writeJSON answers with a value that always encodes.
func writeJSON(w http.ResponseWriter, status int, contentType string, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client may be gone, which is its business
}
