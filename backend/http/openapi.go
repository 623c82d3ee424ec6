package http

import (
	_ "embed"
	"net/http"
)

// openAPI describes the API. A test compares it with the handlers.
//
//go:embed openapi.json
var openAPI []byte

// describe answers with the OpenAPI document. It needs no key.
func describe(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(openAPI) // the client may be gone
	return nil
}
