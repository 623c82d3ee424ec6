package apigateway_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/apigateway"
	"portfolio/backend/push"
	"portfolio/backend/push/pushtest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var connection = backend.Connection{
	ID: "L0SM9cOFvHcCIhw=", DomainName: "abc123.execute-api.us-east-1.amazonaws.com", Stage: "prod",
}

func client(t testing.TB, endpoint string) *apigateway.Client {
	c, err := apigateway.New(apigateway.Config{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKID", "SECRET", "TOKEN"),
		Endpoint: endpoint, Connections: 8,
	})
	require.NoError(t, err)
	return c
}

func TestPost(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		header string // X-Amzn-ErrorType
		body   string
		want   error  // if not nil, the error wraps it
		text   string // otherwise, of the error
	}{
		"accepted":    {status: 200},
		"gone":        {status: 410, header: "GoneException", want: push.ErrGone},
		"throttled":   {status: 429, header: "TooManyRequestsException", want: push.ErrLimited},
		"buffer full": {status: 400, header: "LimitExceededException", want: push.ErrLimited},
		"in the body": {status: 400, body: `{"__type":"LimitExceededException"}`, want: push.ErrLimited},
		"forbidden":   {status: 403, header: "ForbiddenException", text: `@connections: status 403, "ForbiddenException"`},
		"too large":   {status: 413, body: "PayloadTooLarge", text: `@connections: status 413, "PayloadTooLarge"`},
		"moved":       {status: 302, text: `@connections: status 302, ""`},
		"broken": {status: 500, body: strings.Repeat("x", 9000),
			text: `@connections: status 500, "` + strings.Repeat("x", 200) + `"`},
	} {
		t.Run(name, func(t *testing.T) {
			var got *http.Request
			var body []byte
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got = r
				body, _ = io.ReadAll(r.Body)
				if test.header != "" {
					w.Header().Set("X-Amzn-ErrorType", test.header)
				}
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			}))
			defer server.Close()
			err := client(t, server.URL).Post(t.Context(), connection, []byte(`{"type":"delta"}`))
			switch {
			case test.want != nil:
				assert.ErrorIs(t, err, test.want)
			case test.text != "":
				assert.EqualError(t, err, test.text)
			default:
				assert.NoError(t, err)
			}
			assert.Equal(t, "/prod/@connections/L0SM9cOFvHcCIhw%3D", got.RequestURI)
			assert.Equal(t, connection.DomainName, strings.Split(got.Host, ":")[0])
			assert.JSONEq(t, `{"type":"delta"}`, string(body))
			assert.Contains(t, got.Header.Get("Authorization"),
				"/us-east-1/execute-api/aws4_request, SignedHeaders=content-length;content-type;host;")
			assert.Equal(t, "TOKEN", got.Header.Get("X-Amz-Security-Token"))
		})
	}
}

func TestNothingIsPostedWithoutCredentials(t *testing.T) {
	posts := 0
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { posts++ }))
	defer server.Close()
	c, err := apigateway.New(apigateway.Config{Endpoint: server.URL, Credentials: aws.CredentialsProviderFunc(
		func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, errors.New("no role") })})
	require.NoError(t, err)
	assert.EqualError(t, c.Post(t.Context(), connection, nil), "credentials: no role")
	assert.Zero(t, posts)
}

func TestCancelledPost(t *testing.T) {
	g := pushtest.New(nil)
	defer g.Close()
	g.Answer(connection.ID, pushtest.Answer{Delay: time.Minute})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	assert.ErrorIs(t, client(t, g.URL).Post(ctx, connection, nil), context.DeadlineExceeded)
}

// BenchmarkPost measures posts, including the work of the stand-in. Run it with
// -bench . -cpu 2.
func BenchmarkPost(b *testing.B) {
	g := pushtest.New(nil)
	defer g.Close()
	c := client(b, g.URL)
	message := []byte(strings.Repeat("x", 700))
	var workers sync.WaitGroup
	work := make(chan struct{})
	for range 64 {
		workers.Go(func() {
			for range work {
				if err := c.Post(context.Background(), connection, message); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for b.Loop() {
		work <- struct{}{}
	}
	close(work)
	workers.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "posts/s")
}
