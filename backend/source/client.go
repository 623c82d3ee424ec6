package source

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sony/gobreaker/v2"
)

const (
	callTimeout = 20 * time.Second
	maxAnswer   = 32 << 20 // the ECB's whole history is 8 MB
	// After that many failures in a row a source is paused for a while.
	failuresToOpen = 5
	openFor        = 30 * time.Second
)

// client calls one provider over HTTP. Its errors are *Error.
type client struct {
	source  string
	base    string
	header  http.Header // of every request; holds the key
	http    *http.Client
	now     func() time.Time
	breaker *gobreaker.CircuitBreaker[[]byte]
}

func newClient(source, provider, authorization string, c Config) (*client, error) {
	base := strings.TrimSuffix(c.URL, "/")
	if base == "" {
		base = provider
	}
	if u, err := url.Parse(base); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("source %s: url: got %.80q, want an http or https URL", source, c.URL)
	}
	result := &client{source: source, base: base, header: http.Header{}, http: c.Client, now: c.Now}
	if authorization != "" {
		result.header.Set("Authorization", authorization)
	}
	if result.http == nil {
		result.http = &http.Client{Timeout: callTimeout}
	}
	result.breaker = gobreaker.NewCircuitBreaker[[]byte](gobreaker.Settings{
		Name:        source,
		Timeout:     openFor,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= failuresToOpen },
		IsSuccessful: func(err error) bool { // a refusal shows that the provider works
			e := (*Error)(nil)
			return err == nil || errors.As(err, &e) && e.Outcome != Temporary
		},
	})
	return result, nil
}

// get returns the body of an answer with status 200.
func (c *client) get(ctx context.Context, path string, query url.Values) ([]byte, error) {
	body, err := c.breaker.Execute(func() ([]byte, error) { return c.send(ctx, path, query) })
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return nil, c.failed(Temporary, err)
	}
	return body, err
}

func (c *client) send(ctx context.Context, path string, query url.Values) ([]byte, error) {
	address := c.base + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, c.failed(Temporary, err)
	}
	request.Header = c.header.Clone()
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.failed(Temporary, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case response.StatusCode == http.StatusTooManyRequests:
		return nil, c.limited(response.Header.Get("Retry-After"))
	case response.StatusCode == http.StatusUnauthorized, response.StatusCode == http.StatusForbidden:
		return nil, c.failed(Unauthorised, status(response))
	case response.StatusCode == http.StatusNotFound:
		return nil, c.failed(UnknownSymbol, status(response))
	case response.StatusCode != http.StatusOK:
		return nil, c.failed(Temporary, status(response))
	case err != nil:
		return nil, c.failed(Temporary, err)
	case len(body) > maxAnswer:
		return nil, c.failed(Temporary, fmt.Errorf("an answer of more than %d bytes", maxAnswer))
	}
	return body, nil
}

func status(r *http.Response) error { return fmt.Errorf("status %d", r.StatusCode) }

// limited is a refusal because of too many calls. Retry is the header, which has
// seconds or a date.
func (c *client) limited(retry string) error {
	e := &Error{Source: c.source, Outcome: RateLimited}
	if seconds, err := strconv.Atoi(retry); err == nil && seconds >= 0 {
		e.Until = c.now().Add(time.Duration(seconds) * time.Second)
	} else if at, err := http.ParseTime(retry); err == nil {
		e.Until = at
	}
	return e
}

func (c *client) failed(o Outcome, err error) *Error {
	return &Error{Source: c.source, Outcome: o, Err: err}
}

// getJSON reads an answer into a value. Numbers have to be json.Number or text.
func (c *client) getJSON(ctx context.Context, path string, query url.Values, into any) error {
	body, err := c.get(ctx, path, query)
	if err != nil {
		return err
	}
	return c.decode(body, into)
}

func (c *client) decode(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return c.failed(Temporary, fmt.Errorf("unreadable answer: %w", err))
	}
	return nil
}
