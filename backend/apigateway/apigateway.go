// Package apigateway posts messages to WebSocket clients through API Gateway's
// management API.
//
// It uses net/http and its own signer because there are thousands of posts a second:
// the SDK's client would run its middleware for each of them, and would retry on its
// own, which is for package push to decide.
package apigateway

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"portfolio/backend"
	"portfolio/backend/push"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Config says how to reach API Gateway.
type Config struct {
	Region      string
	Credentials aws.CredentialsProvider // called for each post, so it should cache
	// Endpoint is the URL of an emulator, http://host:port. If it is empty, posts go
	// to the domain of the connection.
	Endpoint    string
	Connections int // limit of open TCP connections, and so of concurrent posts
}

// Client posts messages. It is safe for concurrent use.
type Client struct {
	Config
	endpoint *url.URL // nil for AWS
	signer   signer
	http     *http.Client
}

var _ push.Poster = (*Client)(nil)

// New returns a client.
func New(c Config) (*Client, error) {
	client := &Client{Config: c, signer: signer{region: c.Region}, http: &http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
			TLSHandshakeTimeout: 2 * time.Second,
			MaxIdleConns:        c.Connections,
			MaxIdleConnsPerHost: c.Connections,
			MaxConnsPerHost:     c.Connections,
			IdleConnTimeout:     50 * time.Second, // before the other side closes them
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if c.Endpoint != "" {
		endpoint, err := url.Parse(c.Endpoint)
		if err != nil {
			return nil, fmt.Errorf("endpoint: %w", err)
		}
		client.endpoint = endpoint
	}
	return client, nil
}

// Post implements push.Poster.
func (c *Client) Post(ctx context.Context, to backend.Connection, message []byte) error {
	return c.do(ctx, http.MethodPost, to, message)
}

// Close implements push.Poster.
func (c *Client) Close(ctx context.Context, to backend.Connection) error {
	return c.do(ctx, http.MethodDelete, to, nil)
}

func (c *Client) do(ctx context.Context, method string, to backend.Connection, message []byte) error {
	r, err := c.request(ctx, method, to, message)
	if err != nil {
		return err
	}
	response, err := c.http.Do(r)
	if err != nil {
		return fmt.Errorf("@connections: %w", err)
	}
	defer response.Body.Close()
	// Read to the end, so that the TCP connection is reused.
	answer, _ := io.ReadAll(io.LimitReader(response.Body, 4<<10))
	return outcome(response, answer)
}

// request returns a signed request about a connection.
func (c *Client) request(ctx context.Context, method string, to backend.Connection, message []byte) (*http.Request, error) {
	credentials, err := c.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	target := &url.URL{
		Scheme: "https", Host: to.DomainName,
		// IDs end in "=", which has to be escaped, as the SDKs do.
		Path:    "/" + to.Stage + "/@connections/" + to.ID,
		RawPath: "/" + escape(to.Stage, "") + "/@connections/" + escape(to.ID, ""),
	}
	host := to.DomainName
	if c.endpoint != nil {
		target.Scheme, target.Host = c.endpoint.Scheme, c.endpoint.Host
		if port := c.endpoint.Port(); port != "" {
			host = net.JoinHostPort(to.DomainName, port)
		}
	}
	body := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(message)), nil }
	r := (&http.Request{
		Method: method, URL: target, Host: host, ContentLength: int64(len(message)), GetBody: body,
		Header: http.Header{"Content-Type": {"application/octet-stream"}, "User-Agent": {"portfolio"}},
	}).WithContext(ctx)
	r.Body, _ = body()
	if len(message) == 0 {
		r.Body, r.GetBody = http.NoBody, nil
	}
	c.signer.sign(r, credentials, message, time.Now())
	return r, nil
}

// outcome maps a response to the errors that package push distinguishes.
func outcome(response *http.Response, answer []byte) error {
	kind := response.Header.Get("X-Amzn-Errortype") + string(answer)
	switch {
	case response.StatusCode < http.StatusMultipleChoices:
		return nil
	case response.StatusCode == http.StatusGone:
		return push.ErrGone
	case response.StatusCode == http.StatusTooManyRequests, strings.Contains(kind, "LimitExceeded"):
		return push.ErrLimited
	default:
		return fmt.Errorf("@connections: status %d, %.200q", response.StatusCode, kind)
	}
}
