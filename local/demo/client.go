// Package demo creates a portfolio and a moving market on a running platform, and watches
// the portfolio over the WebSocket, as any client of the service would.
package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Client calls the service's HTTP API with a key.
type Client struct {
	API string // such as http://127.0.0.1:4566/_alb/portfolio-alb-local
	Key string // scopes: read and trade
}

const (
	callTimeout = 10 * time.Second
	maxAnswer   = 1 << 20 // bytes; the responses read here are far smaller
)

// SignInLink creates a link that signs in at the page once, relative to the page.
func (c Client) SignInLink(ctx context.Context) (string, error) {
	var link struct{ Path string }
	if err := c.post(ctx, "/v1/sign-in/links", struct{}{}, http.StatusCreated, &link); err != nil {
		return "", err
	}
	if link.Path == "" {
		return "", errors.New("POST /v1/sign-in/links: got no path, want one")
	}
	return link.Path, nil
}

// get decodes the response to a GET, which must have the status 200.
func (c Client) get(ctx context.Context, path string, answer any) error {
	return c.call(ctx, http.MethodGet, path, http.NoBody, http.StatusOK, answer)
}

// post sends a body as JSON and decodes the response, which must have the given status.
func (c Client) post(ctx context.Context, path string, body any, status int, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.call(ctx, http.MethodPost, path, bytes.NewReader(text), status, answer)
}

// call makes a call. An error contains the response of the service.
func (c Client) call(ctx context.Context, method, path string, body io.Reader, status int, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, c.API+path, body)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+c.Key)
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if response.StatusCode != status {
		return fmt.Errorf("%s %s: got status %d, want %d: %.500s", method, path, response.StatusCode, status, text)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}
