// Package apigateway posts messages to WebSocket clients through API Gateway's
// management API.
//
// It uses fasthttp and its own signer because there are thousands of posts a second:
// net/http starts two goroutines for each TCP connection and hands each request from
// one to the other, and the SDK's client would run its middleware for each of them,
// and would retry on its own, which is for package push to decide.
package apigateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"portfolio/backend"
	"portfolio/backend/push"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttpproxy"
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

const (
	dialTimeout = 2 * time.Second
	idleTimeout = 50 * time.Second // before the other side closes a TCP connection
	maxAnswer   = 64 << 10         // bytes of a response
)

// Client posts messages. It is safe for concurrent use.
type Client struct {
	Config
	scheme string // of all requests
	dial   string // host and port of the endpoint; "" for AWS
	port   string // of the endpoint, with a colon
	signer signer
	http   fasthttp.Client
}

var _ push.Poster = (*Client)(nil)

// New returns a client.
func New(c Config) (*Client, error) {
	dialer := fasthttpproxy.Dialer{Timeout: dialTimeout, DialDualStack: true}
	dial, err := dialer.GetDialFunc(true) // with a proxy that the environment names
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	client := &Client{Config: c, scheme: "https", signer: signer{region: c.Region}, http: fasthttp.Client{
		Dial:                     dial,
		MaxConnsPerHost:          c.Connections,
		MaxConnWaitTimeout:       time.Minute, // at most the context's time
		MaxIdleConnDuration:      idleTimeout,
		MaxResponseBodySize:      maxAnswer,
		DisablePathNormalizing:   true,
		NoDefaultUserAgentHeader: true,
		RetryIfErr:               func(*fasthttp.Request, int, error) (bool, bool) { return false, false },
	}}
	if c.Endpoint != "" {
		endpoint, err := url.Parse(c.Endpoint)
		if err != nil {
			return nil, fmt.Errorf("endpoint: %w", err)
		}
		client.scheme, client.dial = endpoint.Scheme, endpoint.Host
		if port := endpoint.Port(); port != "" {
			client.port = ":" + port
		}
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

// do makes a call, which ends by the deadline of ctx; its cancellation counts only
// before.
func (c *Client) do(ctx context.Context, method string, to backend.Connection, message []byte) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("@connections: %w", err)
	}
	r, response := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(r)
	defer fasthttp.ReleaseResponse(response)
	err := c.request(ctx, r, method, to, message)
	if err != nil {
		return err
	}
	if deadline, limited := ctx.Deadline(); limited {
		err = c.http.DoDeadline(r, response, deadline)
	} else {
		err = c.http.Do(r, response)
	}
	switch {
	case errors.Is(err, fasthttp.ErrTimeout):
		err = fmt.Errorf("@connections: %w", context.DeadlineExceeded)
	case err != nil:
		err = fmt.Errorf("@connections: %w", err)
	default:
		err = outcome(response)
	}
	return err
}

// request makes r a signed request about a connection.
func (c *Client) request(ctx context.Context, r *fasthttp.Request, method string,
	to backend.Connection, message []byte) error {
	credentials, err := c.Credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("credentials: %w", err)
	}
	host, address := to.DomainName, to.DomainName
	if c.dial != "" {
		host, address = to.DomainName+c.port, c.dial
	}
	// IDs end in "=", which has to be escaped, as the SDKs do.
	path := "/" + escape(to.Stage, "") + "/@connections/" + escape(to.ID, "")
	r.SetRequestURI(c.scheme + "://" + address + path)
	r.URI().DisablePathNormalizing = true
	r.UseHostHeader = true
	r.Header.SetHost(host)
	r.Header.SetMethod(method)
	r.Header.SetContentType(contentType)
	r.Header.SetUserAgent("portfolio")
	r.SetBodyRaw(message)
	c.signer.sign(&r.Header, call{method: method, host: host, path: path, message: message}, credentials, time.Now())
	return nil
}

// outcome maps a response to the errors that package push distinguishes.
func outcome(response *fasthttp.Response) error {
	status := response.StatusCode()
	if status < http.StatusMultipleChoices {
		return nil
	}
	kind := string(response.Header.Peek("X-Amzn-Errortype")) + string(response.Body())
	switch {
	case status == http.StatusGone:
		return push.ErrGone
	case status == http.StatusTooManyRequests, strings.Contains(kind, "LimitExceeded"):
		return push.ErrLimited
	default:
		return fmt.Errorf("@connections: status %d, %.200q", status, kind)
	}
}
