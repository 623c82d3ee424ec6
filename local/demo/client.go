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
	Key string // scopes: trade to Seed, feed to Feed
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

// post sends a body as JSON and decodes the response, which must have the given status.
// An error contains the response of the service.
func (c Client) post(ctx context.Context, path string, body any, status int, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.API+path, bytes.NewReader(text))
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
	if text, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer)); err != nil {
		return fmt.Errorf("POST %s: %w", path, err)
	}
	if response.StatusCode != status {
		return fmt.Errorf("POST %s: got status %d, want %d: %.500s", path, response.StatusCode, status, text)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("POST %s: %w", path, err)
	}
	return nil
}
