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

const (
	// maxReply bounds what is read of an answer: API Gateway sends at most 128 KB
	// in one message.
	maxReply = 128 << 10
	// maxIdle is how long a connection may rest before it is used again. The load
	// balancer closes it after 60 s, which a frozen process does not notice.
	maxIdle = 50 * time.Second
)

// service is the portfolio service behind the load balancer.
type service struct {
	base   *url.URL // of the load balancer
	client lazy[*http.Client]

	lastCall atomic.Int64 // Unix milliseconds
}

// newClient returns an HTTP client that checks certificates for serverName, or
// where that is empty for the host it calls. It follows no redirect, so that a
// signed body goes where it was signed for and nowhere else; how long a call may
// take is its context's affair.
func newClient(serverName string) *http.Client {
	return &http.Client{
		// HTTP/1.1 is enough for one call at a time, and a connection that died in
		// a freeze is found out sooner than with HTTP/2.
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 3 * time.Second}).DialContext,
			TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, ServerName: serverName},
			TLSHandshakeTimeout: 5 * time.Second,
			IdleConnTimeout:     maxIdle,
			// Headers come beside maxReply.
			MaxResponseHeaderBytes: 16 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// errTooLarge reports an answer of more than maxReply.
var errTooLarge = errors.New("the service's answer is too large")

// post signs a body with key, sends it and reads the answer, whatever its status.
// No error names a URL or a body.
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
	text, err := io.ReadAll(io.LimitReader(response.Body, maxReply+1))
	if err != nil {
		return reply{}, err
	}
	if len(text) > maxReply {
		return reply{}, errTooLarge
	}
	return reply{status: response.StatusCode, body: text}, nil
}

// withoutURL is the cause of an error that names the URL it occurred with.
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

// problem reads the reply as an error document; where it is none, Code is empty.
func (r reply) problem() wire.Problem {
	var p wire.Problem
	if json.Unmarshal(r.body, &p) != nil {
		return wire.Problem{}
	}
	return p
}

// unsigned reports that the service did not take the handler's signature, which
// is no refusal of the client.
func (r reply) unsigned() bool { return r.problem().Unsigned(r.status) }
