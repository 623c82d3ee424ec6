package main

import (
	"net/http"
	"strings"
	"testing"

	"portfolio/contract/signature"

	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestKeyIsReadOnce(t *testing.T) {
	r := newRig(t, []string{oldKey}, says(204, ""))
	reads, _ := r.aws.counts()
	assert.Zero(t, reads, "before the first event")
	for _, event := range []string{connectEvent(), messageEvent(hello), messageEvent(hello), disconnectEvent()} {
		r.invoke(t, event)
	}
	reads, _ = r.aws.counts()
	assert.Equal(t, 1, reads)
}

// Only a refused signature makes the handler read the key again, and only once.
func TestRetry(t *testing.T) {
	for name, test := range map[string]struct {
		answers []http.HandlerFunc
		status  int
		calls   int
	}{
		"missing":            {[]http.HandlerFunc{refuses(401, "signature_missing"), says(204, "")}, 200, 2},
		"stale":              {[]http.HandlerFunc{refuses(401, "signature_stale"), says(204, "")}, 200, 2},
		"mismatch":           {[]http.HandlerFunc{refuses(401, "signature_mismatch"), says(204, "")}, 200, 2},
		"replayed":           {[]http.HandlerFunc{refuses(401, "signature_replayed"), says(204, "")}, 200, 2},
		"twice":              {[]http.HandlerFunc{refuses(401, "signature_mismatch")}, 503, 2},
		"then the client":    {[]http.HandlerFunc{refuses(401, "signature_mismatch"), refuses(403, "forbidden")}, 403, 2},
		"the client's 401":   {[]http.HandlerFunc{refuses(401, "ticket_expired"), says(204, "")}, 401, 1},
		"401 without a body": {[]http.HandlerFunc{says(401, ""), says(204, "")}, 401, 1},
		"failing":            {[]http.HandlerFunc{refuses(500, "signature_mismatch"), says(204, "")}, 503, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, []string{oldKey, newKey}, test.answers...)
			assert.Equal(t, response{Status: test.status}, r.invoke(t, connectEvent()))
			calls := r.service.got()
			require.Len(t, calls, test.calls)
			assert.NoError(t, calls[0].byOldKey)
			reads, _ := r.aws.counts()
			assert.Equal(t, test.calls, reads)
			if test.calls == 2 {
				assert.NoError(t, calls[1].byNewKey)
				assert.ErrorIs(t, calls[1].byOldKey, signature.ErrMismatch)
				assert.Equal(t, calls[0].body, calls[1].body)
			}
		})
	}
}

// After a failed read, the next event reads the key again.
func TestRetryWithoutSecret(t *testing.T) {
	r := newRig(t, []string{oldKey, "", newKey}, refuses(401, "signature_mismatch"), says(204, ""))
	assert.Equal(t, response{Status: 503}, r.invoke(t, connectEvent()))
	assert.Equal(t, response{Status: 200}, r.invoke(t, connectEvent()))
	calls := r.service.got()
	require.Len(t, calls, 2)
	assert.NoError(t, calls[1].byNewKey)
}

// A panic is answered like any other failure; its value appears nowhere.
func TestPanic(t *testing.T) {
	for event, want := range map[string]int{connectEvent(): 503, disconnectEvent(): 200, messageEvent(hello): 200} {
		r := newRig(t, []string{oldKey}, says(204, ""))
		r.handler.service.client = lazy[*http.Client]{known: true, value: &http.Client{
			Transport: roundTrip(func(*http.Request) (*http.Response, error) { panic(greeting) }),
		}}
		got := r.invoke(t, event)
		assert.Equal(t, want, got.Status)
		if strings.Contains(event, "$default") {
			code, _ := failure(t, got)
			assert.Equal(t, "internal", code)
		}
		assert.Contains(t, r.logs.String(), `"msg":"handling the event panicked"`)
		assert.Contains(t, r.logs.String(), `"requestId":"r-1"`)
	}
}

func TestServerName(t *testing.T) {
	for name, test := range map[string]struct {
		settings    settings
		certificate string
		want        string
		problem     string
		asked       int
	}{
		"configured":          {settings: settings{Scheme: "https", ServerName: "api.example.com", CertificateARN: "arn"}, want: "api.example.com"},
		"without TLS":         {settings: settings{Scheme: "http", CertificateARN: "arn"}},
		"the certificate's":   {settings: settings{Scheme: "https", CertificateARN: "arn"}, certificate: "api.example.com", want: "api.example.com", asked: 1},
		"a wildcard":          {settings: settings{Scheme: "https", CertificateARN: "arn"}, certificate: "*.example.com", want: "alb.example.com", asked: 1},
		"ACM does not answer": {settings: settings{Scheme: "https", CertificateARN: "arn"}, problem: "certificate's name: ", asked: 1},
	} {
		t.Run(name, func(t *testing.T) {
			aws := newFakeAWS(t, oldKey)
			aws.certificate = test.certificate
			got, err := serverName(t.Context(), test.settings, acm.NewFromConfig(aws.config()))
			assert.Equal(t, test.want, got)
			if test.problem == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, test.problem)
			}
			_, asked := aws.counts()
			assert.Equal(t, test.asked, asked)
		})
	}
}
