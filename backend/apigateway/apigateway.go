// Package apigateway posts messages to WebSocket clients through API Gateway's
// management API.
//
// It signs with the SDK's own signer and posts with net/http: the SDK's client for
// this one call would add a module and its middleware to each of thousands of posts
// a second, and retries of its own where package push already has a better answer.
package apigateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Config says how to reach API Gateway.
type Config struct {
	Region      string
	Credentials aws.CredentialsProvider // asked for each post; has to remember them
	// Endpoint is where an emulator is, http://host:port. Empty is AWS: the host
	// that the connection came by.
	Endpoint    string
	Connections int // kept open at most; as many as there are posts at once
}

// Client posts. It is safe for concurrent use.
type Client struct {
	Config
	endpoint *url.URL // nil for AWS
	signer   *v4.Signer
	http     *http.Client
}

var _ push.Poster = (*Client)(nil)

// New returns a client.
func New(c Config) (*Client, error) {
	client := &Client{Config: c, signer: v4.NewSigner(), http: &http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
			TLSHandshakeTimeout: 2 * time.Second,
			MaxIdleConns:        c.Connections,
			MaxIdleConnsPerHost: c.Connections,
			MaxConnsPerHost:     c.Connections,
			IdleConnTimeout:     50 * time.Second, // before the other side ends them
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
		return fmt.Errorf("call the connection: %w", err)
	}
	defer response.Body.Close()
	// Read to its end, so that the TCP connection is used again.
	answer, _ := io.ReadAll(io.LimitReader(response.Body, 4<<10))
	return outcome(response, answer)
}

// request returns a signed request about a connection.
func (c *Client) request(ctx context.Context, method string, to backend.Connection, message []byte) (*http.Request, error) {
	target := url.URL{Scheme: "https", Host: to.DomainName}
	if c.endpoint != nil {
		target.Scheme, target.Host = c.endpoint.Scheme, c.endpoint.Host
	}
	// IDs end in "=", which the service wants escaped, as the SDKs do it.
	target.Path = "/" + to.Stage + "/@connections/" + to.ID
	target.RawPath = "/" + url.PathEscape(to.Stage) + "/@connections/" + escape(to.ID)
	r, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(message))
	if err != nil {
		return nil, fmt.Errorf("call the connection: %w", err)
	}
	if c.endpoint != nil {
		r.Host = to.DomainName
		if port := c.endpoint.Port(); port != "" {
			r.Host = net.JoinHostPort(to.DomainName, port)
		}
	}
	r.Header.Set("Content-Type", "application/octet-stream")
	credentials, err := c.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	hash := sha256.Sum256(message)
	err = c.signer.SignHTTP(ctx, credentials, r, hex.EncodeToString(hash[:]), "execute-api", c.Region, time.Now())
	if err != nil {
		return nil, fmt.Errorf("sign the call: %w", err)
	}
	return r, nil
}

// escape is url.PathEscape that leaves nothing but unreserved characters.
func escape(text string) string {
	return strings.NewReplacer("=", "%3D", "+", "%2B", "&", "%26", "@", "%40", ":", "%3A", "$", "%24").Replace(url.PathEscape(text))
}

// outcome tells apart what package push treats differently.
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
		return fmt.Errorf("call the connection: status %d, %.200q", response.StatusCode, kind)
	}
}
