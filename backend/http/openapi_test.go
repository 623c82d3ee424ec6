package http

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The document has exactly the routes of the API, with their scopes. Answers are
// compared with it in all tests that use client.
func TestOpenAPIHasEveryRoute(t *testing.T) {
	var document struct {
		Paths map[string]map[string]struct{ OperationID, Description string }
	}
	require.NoError(t, json.Unmarshal(openAPI, &document))
	described := map[string]bool{}
	for path, operations := range document.Paths {
		for method, operation := range operations {
			described[strings.ToUpper(method)+" "+path] = true
			assert.NotEmpty(t, operation.OperationID, path)
		}
	}
	served := map[string]bool{}
	for _, route := range (&api{}).routes() {
		if strings.HasPrefix(route.path, "/v1/") {
			served[route.method+" "+route.path] = true
		}
	}
	assert.Equal(t, served, described)
	assert.NotEmpty(t, served[http.MethodPost+" /v1/ws-tickets"])
}
