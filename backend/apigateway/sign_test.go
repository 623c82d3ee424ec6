package apigateway

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"portfolio/backend"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"
)

// The signature is the one that the SDK's signer makes, for any credentials, day and
// connection.
func TestSignatureEqualsTheSDKs(t *testing.T) {
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	user := aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET"}
	role := aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET", SessionToken: "T/+="}
	for name, test := range map[string]struct {
		credentials aws.Credentials
		stage, id   string
		message     string
		endpoint    string
	}{
		"plain":           {user, "prod", "L0SM9cOFvHcCIhw=", `{"type":"delta"}`, ""},
		"session":         {role, "prod", "a", "x", ""},
		"empty message":   {user, "prod", "a", "", ""},
		"every character": {user, "prod", "a+b&c@d:e$f g~h/i?j#k%l-é", "x", ""},
		"stage to escape": {user, "a b", "a", "x", ""},
		"emulator":        {user, "prod", "a=", "x", "http://127.0.0.1:4566"},
		"a megabyte":      {user, "prod", "a=", strings.Repeat("x", 1<<20), ""},
		"another region":  {aws.Credentials{AccessKeyID: "B", SecretAccessKey: "other"}, "prod", "a=", "x", ""},
	} {
		t.Run(name, func(t *testing.T) {
			region := "eu-west-1"
			if strings.HasPrefix(name, "another") {
				region = "us-gov-west-1"
			}
			c, err := New(Config{
				Region: region, Endpoint: test.endpoint,
				Credentials: credentials.StaticCredentialsProvider{Value: test.credentials},
			})
			require.NoError(t, err)
			to := backend.Connection{ID: test.id,
				DomainName: "api.execute-api.eu-west-1.amazonaws.com", Stage: test.stage}
			for _, at := range []time.Time{noon, noon.Add(time.Hour), noon.AddDate(0, 0, 1)} {
				var posted fasthttp.Request
				require.NoError(t, c.request(t.Context(), &posted, http.MethodPost, to, []byte(test.message)))
				host, path := string(posted.Header.Host()), string(posted.RequestURI())
				c.signer.sign(&posted.Header,
					call{http.MethodPost, host, path, []byte(test.message)}, test.credentials, at)
				got := string(posted.Header.Peek("Authorization"))

				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+host+path,
					strings.NewReader(test.message))
				require.NoError(t, err)
				r.Header.Set("Content-Type", string(posted.Header.ContentType()))
				hash := sha256.Sum256([]byte(test.message))
				err = v4.NewSigner().SignHTTP(t.Context(), test.credentials, r,
					hex.EncodeToString(hash[:]), service, region, at)
				require.NoError(t, err)
				assert.Equal(t, r.Header.Get("Authorization"), got)
			}
		})
	}
}

// The cached key is not used with other credentials or on another day.
func TestRotatedCredentials(t *testing.T) {
	s := signer{region: "us-east-1"}
	first := s.key("one", "20260302")
	assert.Same(t, first, s.key("one", "20260302"))
	mac := string(first.appendMAC(nil, []byte("text")))
	assert.NotEqual(t, mac, string(s.key("two", "20260302").appendMAC(nil, []byte("text"))))
	assert.NotEqual(t, mac, string(s.key("one", "20260303").appendMAC(nil, []byte("text"))))
	assert.Equal(t, mac, string(s.key("one", "20260302").appendMAC(nil, []byte("text"))))
}
