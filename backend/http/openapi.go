package http

import (
	_ "embed"
	"net/http"
)

// openAPI describes the API of this package; a test holds it to the handlers.
//
//go:embed openapi.json
var openAPI []byte

// describe gives the OpenAPI document to anybody.
func describe(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(openAPI) // the client may be gone, which is its business
	return nil
}
