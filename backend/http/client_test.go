package http_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"portfolio/backend"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// client calls the API and checks every answer against the OpenAPI document.
type client struct {
	server *httptest.Server
	router routers.Router
	store  *memory
	fakes  *fakes
}

func newClient(t testing.TB) *client { return newClientOf(t, func(*fakes) {}) }

// newClientOf returns a client of a service whose fakes prepare has changed.
func newClientOf(t testing.TB, prepare func(*fakes)) *client {
	t.Helper()
	text, err := os.ReadFile("openapi.json")
	require.NoError(t, err)
	document, err := openapi3.NewLoader().LoadFromData(text)
	require.NoError(t, err)
	require.NoError(t, document.Validate(t.Context()))
	router, err := gorillamux.NewRouter(document)
	require.NoError(t, err)
	f := newFakes()
	prepare(f)
	return &client{server: f.serve(t), router: router, store: f.memory, fakes: f}
}

// key creates a key of an owner.
func (c *client) key(t testing.TB, owner string, scopes ...backend.Scope) string {
	t.Helper()
	secret := backend.NewSecret()
	_, err := c.store.CreateKey(t.Context(), backend.Principal{},
		backend.APIKey{Owner: owner, Label: "test", Scopes: scopes, CreatedAt: now}, backend.HashSecret(secret))
	require.NoError(t, err)
	return secret
}

// all creates a key with every scope.
func (c *client) all(t testing.TB, owner string) string {
	return c.key(t, owner, backend.Scopes...)
}

// answered is an answer of the API.
type answered struct {
	Status int
	Header http.Header
	Body   string
	JSON   map[string]any
}

func (a answered) id() string { id, _ := a.JSON["id"].(string); return id }

// code is the stable code of a problem document.
func (a answered) code() string { code, _ := a.JSON["code"].(string); return code }

// do makes a call; more are pairs of header names and values.
func (c *client) do(t *testing.T, key, method, path, body string, more ...string) answered {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, c.server.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(more); i += 2 {
		if more[i] == "Host" {
			r.Host = more[i+1]
			continue
		}
		r.Header.Set(more[i], more[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(r) // does not follow redirects
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	out := answered{Status: response.StatusCode, Header: response.Header, Body: string(text)}
	_ = json.Unmarshal(text, &out.JSON) // fails for CSV and for an empty body
	assert.NoError(t, c.documented(t.Context(), r, response, text), "%s %s\n%s", method, path, text)
	return out
}

// documented returns how an answer differs from the OpenAPI document.
func (c *client) documented(ctx context.Context, r *http.Request, response *http.Response, body []byte) error {
	route, params, err := c.router.FindRoute(r)
	if err != nil {
		if response.StatusCode == http.StatusNotFound || response.StatusCode == http.StatusMethodNotAllowed {
			return nil
		}
		return fmt.Errorf("not in the document: %w", err)
	}
	return openapi3filter.ValidateResponse(ctx, &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route},
		Status:                 response.StatusCode, Header: response.Header,
		Body:    io.NopCloser(bytes.NewReader(body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	})
}

const trade = `{"kind":"BUY","date":"2026-01-01","symbol":"ACME","quantity":"10","price":"12.5","currency":"EUR","fee":"1"}`

// portfolio creates a portfolio and returns its path.
func (c *client) portfolio(t *testing.T, key string) string {
	t.Helper()
	made := c.do(t, key, "POST", "/v1/portfolios", `{"name":"Pension","base_currency":"EUR"}`)
	require.Equal(t, 201, made.Status, made.Body)
	return "/v1/portfolios/" + made.id()
}
