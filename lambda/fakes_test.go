package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portfolio/contract/signature"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// These texts must never be logged.
const (
	oldKey   = "the-old-key-of-the-handler"
	newKey   = "the-new-key-of-the-handler"
	ticket   = "ticket-5f0c"
	greeting = "body-of-a-message"
	replied  = "text-of-a-reply"
)

// fakeAWS is Secrets Manager and ACM. Each read of the secret returns the next of
// its texts, and the last one from then on; an empty text is an error.
type fakeAWS struct {
	*httptest.Server
	mu           sync.Mutex
	secrets      []string
	reads        int // of the secret
	certificate  string
	descriptions int // of the certificate
}

func newFakeAWS(t *testing.T, secrets ...string) *fakeAWS {
	f := &fakeAWS{secrets: secrets}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeAWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	answer := func(value string, document any) {
		if value == "" {
			w.WriteHeader(http.StatusBadRequest)
			document = map[string]string{"__type": "ResourceNotFoundException"}
		}
		_ = json.NewEncoder(w).Encode(document)
	}
	switch target := r.Header.Get("X-Amz-Target"); target {
	case "secretsmanager.GetSecretValue":
		secret := f.secrets[min(f.reads, len(f.secrets)-1)]
		f.reads++
		answer(secret, map[string]string{"SecretString": secret})
	case "CertificateManager.DescribeCertificate":
		f.descriptions++
		answer(f.certificate, map[string]any{"Certificate": map[string]string{"DomainName": f.certificate}})
	default:
		http.Error(w, "no such operation: "+target, http.StatusNotImplemented)
	}
}

// counts returns how often the secret and the certificate were read.
func (f *fakeAWS) counts() (reads, descriptions int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reads, f.descriptions
}

func (f *fakeAWS) config() aws.Config {
	return aws.Config{
		Region: "us-east-1", Credentials: aws.AnonymousCredentials{}, BaseEndpoint: &f.URL, RetryMaxAttempts: 1,
	}
}

// call is one call that the fake service received.
type call struct {
	path, body, signature string
	byOldKey, byNewKey    error // of signature.Verify
}

// fakeService records calls and returns its answers in turn, and the last one from
// then on.
type fakeService struct {
	*httptest.Server
	mu      sync.Mutex
	calls   []call
	answers []http.HandlerFunc
}

func newFakeService(t *testing.T, answers ...http.HandlerFunc) *fakeService {
	f := &fakeService{answers: answers}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	answer := f.answers[min(len(f.calls), len(f.answers)-1)]
	f.calls = append(f.calls, call{
		path: r.Method + " " + r.URL.RequestURI(), body: string(body), signature: signature.ID(r),
		byOldKey: signature.Verify(r, []byte(oldKey), body, time.Now()),
		byNewKey: signature.Verify(r, []byte(newKey), body, time.Now()),
	})
	f.mu.Unlock()
	answer(w, r)
}

// got returns the calls received so far.
func (f *fakeService) got() []call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// says answers with a status and a body.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// refuses answers with an error document of the service.
func refuses(status int, code string) http.HandlerFunc {
	return says(status, `{"type":"about:blank","title":"no","status":0,"detail":"detail of `+code+`","code":"`+code+`"}`)
}

// rig is a handler with fake dependencies.
type rig struct {
	handler *handler
	service *fakeService
	aws     *fakeAWS
	logs    *bytes.Buffer
}

func newRig(t *testing.T, secrets []string, answers ...http.HandlerFunc) *rig {
	r := &rig{service: newFakeService(t, answers...), aws: newFakeAWS(t, secrets...), logs: &bytes.Buffer{}}
	u, err := url.Parse(r.service.URL)
	require.NoError(t, err)
	s := settings{BalancerDNS: u.Host, Scheme: "http", SigningSecretARN: "arn:secret"}
	r.handler = newHandler(s, acm.NewFromConfig(r.aws.config()), secretsmanager.NewFromConfig(r.aws.config()),
		slog.New(slog.NewJSONHandler(r.logs, &slog.HandlerOptions{Level: slog.LevelDebug})))
	return r
}

// invoke answers one event and checks that nothing secret was logged.
func (r *rig) invoke(t *testing.T, payload string) response {
	t.Helper()
	answer, err := r.handler.Invoke(t.Context(), []byte(payload))
	require.NoError(t, err)
	var got response
	require.NoError(t, json.Unmarshal(answer, &got))
	assertDiscreet(t, r.logs.String(), r.service.got())
	return got
}

// assertDiscreet checks that logs contain nothing that was sent in calls.
func assertDiscreet(t *testing.T, logs string, calls []call) {
	t.Helper()
	secret := []string{oldKey, newKey, ticket, greeting, replied, "/internal/", "v1="}
	for _, c := range calls {
		secret = append(secret, strings.TrimPrefix(c.signature, "v1="))
	}
	for _, s := range secret {
		assert.NotContains(t, logs, s)
	}
}

// The events as API Gateway sends them, with the members that the handler uses.
const (
	contextOf = `"requestContext":{"routeKey":"%s","eventType":"X","requestId":"r-1","connectionId":"c-1=",` +
		`"domainName":"abc.execute-api.us-east-1.amazonaws.com","stage":"prod","connectedAt":1767323045000,"apiId":"abc",` +
		`"identity":{"sourceIp":"192.0.2.7"},"disconnectStatusCode":1001,"disconnectReason":"Going away"}`
	coordinates = `"requestId":"r-1","connectionId":"c-1=","domainName":"abc.execute-api.us-east-1.amazonaws.com","stage":"prod"`
)

func connectEvent() string {
	return `{"headers":{"Host":"abc"},"queryStringParameters":{"ticket":"` + ticket + `","a":"2"},` +
		`"multiValueQueryStringParameters":{"ticket":["` + ticket + `"],"a":["1","2"]},` + on("$connect") + `,"isBase64Encoded":false}`
}

func disconnectEvent() string { return `{` + on("$disconnect") + `,"isBase64Encoded":false}` }

func messageEvent(body string) string {
	text, _ := json.Marshal(body)
	return `{` + on("$default") + `,"body":` + string(text) + `,"isBase64Encoded":false}`
}

func on(route string) string { return strings.Replace(contextOf, "%s", route, 1) }
