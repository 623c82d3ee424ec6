package main

import (
	"bytes"
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The load balancer is called by its own name, but its certificate, here one for
// example.com, is verified for the name from ACM or the settings.
func TestTLS(t *testing.T) {
	for name, test := range map[string]struct {
		configured, certificate string
		status, asked           int
	}{
		"by ACM's name":         {certificate: "example.com", status: 200, asked: 1},
		"by the settings' name": {configured: "example.com", status: 200},
		"by another name":       {configured: "example.org", status: 503},
		"ACM fails":             {status: 503, asked: 4},
	} {
		t.Run(name, func(t *testing.T) {
			r := &rig{service: &fakeService{answers: []http.HandlerFunc{says(204, "")}},
				aws: newFakeAWS(t, oldKey), logs: &bytes.Buffer{}}
			r.service.Server = httptest.NewUnstartedServer(r.service)
			r.service.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
			r.service.StartTLS()
			t.Cleanup(r.service.Close)
			r.aws.certificate = test.certificate
			u, err := url.Parse(r.service.URL)
			require.NoError(t, err)
			s := settings{BalancerDNS: u.Host, Scheme: "https", ServerName: test.configured,
				CertificateARN: "arn", SigningSecretARN: "arn"}
			r.handler = newHandler(s, acm.NewFromConfig(r.aws.config()), secretsmanager.NewFromConfig(r.aws.config()),
				slog.New(slog.NewJSONHandler(r.logs, nil)))

			pool := x509.NewCertPool()
			pool.AddCert(r.service.Certificate())
			if client, err := r.handler.service.client.get(t.Context()); err == nil {
				client.Transport.(*http.Transport).TLSClientConfig.RootCAs = pool
			}
			for range 3 {
				assert.Equal(t, response{Status: test.status}, r.invoke(t, connectEvent()))
			}
			_, asked := r.aws.counts()
			assert.Equal(t, test.asked, asked)
		})
	}
}
