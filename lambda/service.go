package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"portfolio/contract/signature"
	"portfolio/contract/wire"
)

// maxIdle is how long a connection may be idle and still be used again. A frozen
// process does not notice that the load balancer closes its connections.
const maxIdle = wire.BalancerIdleTimeout - 10*time.Second

// service is the portfolio service behind the load balancer.
type service struct {
	base   *url.URL // of the load balancer
	client lazy[*http.Client]

	lastCall atomic.Int64 // Unix milliseconds
}

// newClient returns an HTTP client that verifies certificates for serverName, or if
// that is empty, for the host that it calls. It follows no redirects, so that a
// signed body goes only where it was signed for. It sets no timeout: callers use
// a context.
func newClient(serverName string) *http.Client {
	return &http.Client{
		// HTTP/1.1 is enough for one call at a time, and it detects a connection
		// that was lost during a freeze sooner than HTTP/2.
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: 3 * time.Second}).DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, ServerName: serverName},
			TLSHandshakeTimeout:    5 * time.Second,
			IdleConnTimeout:        maxIdle,
			MaxResponseHeaderBytes: 16 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// errTooLarge reports an answer that does not fit into one WebSocket message.
var errTooLarge = errors.New("the service's answer is too large")

// post signs a body with key, sends it and returns the answer, whatever its status.
// Errors contain neither URLs nor bodies.
func (s *service) post(ctx context.Context, path string, key, body []byte, now time.Time) (reply, error) {
	client, err := s.client.get(ctx)
	if err != nil {
		return reply{}, err
	}
	if s.lastCall.Swap(now.UnixMilli()) < now.Add(-maxIdle).UnixMilli() {
		client.CloseIdleConnections()
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base.JoinPath(path).String(), bytes.NewReader(body))
	if err != nil {
		return reply{}, withoutURL(err)
	}
	r.Header.Set("Content-Type", "application/json")
	signature.Sign(r, key, body, now)
	response, err := client.Do(r)
	if err != nil {
		return reply{}, withoutURL(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, wire.MaxMessage+1))
	if err != nil {
		return reply{}, err
	}
	if len(text) > wire.MaxMessage {
		return reply{}, errTooLarge
	}
	return reply{status: response.StatusCode, body: text}, nil
}

// withoutURL returns the cause of an error that contains a URL.
func withoutURL(err error) error {
	if withURL := (*url.Error)(nil); errors.As(err, &withURL) {
		return withURL.Err
	}
	return err
}

// reply is an answer of the service.
type reply struct {
	status int
	body   []byte
}

// problem decodes the reply as an error document. Code is empty if it is not one.
func (r reply) problem() wire.Problem {
	var p wire.Problem
	if json.Unmarshal(r.body, &p) != nil {
		return wire.Problem{}
	}
	return p
}

// unsigned reports whether the service refused the handler's signature, rather than
// the client.
func (r reply) unsigned() bool { return r.problem().Unsigned(r.status) }
