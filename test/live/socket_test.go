package live

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"portfolio/contract/signature"
	"portfolio/local/platform"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// socket exchanges messages with the service as a browser does: through API Gateway, Lambda
// and the load balancer to an instance, and back.
func socket(t *testing.T, p *platform.Platform) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn := dial(ctx, t, p, apiKey(ctx, t, p, "socket", "read")).conn
	for _, test := range []struct{ name, send, want string }{
		{"ping", `{"action":"ping"}`, `{"type":"pong"}`},
		{"an unknown action", `{"action":"dance"}`, `"code":"unknown_action"`},
		{"malformed JSON", `{"action":`, `"code":"malformed_json"`},
		{"the socket is still open", `{"action":"ping"}`, `{"type":"pong"}`},
	} {
		require.NoError(t, conn.Write(ctx, websocket.MessageText, []byte(test.send)), test.name)
		_, got, err := conn.Read(ctx)
		require.NoError(t, err, test.name)
		assert.Contains(t, string(got), test.want, test.name)
	}
	require.NoError(t, conn.Close(websocket.StatusNormalClosure, ""))
}

// signedCalls calls the service as the handler does, and as an attacker who knows
// everything but the key. The load balancer is open to the internet.
func signedCalls(t *testing.T, p *platform.Platform) {
	key := secretText(t, p, "portfolio-signing-key-"+suffix)
	call := func(sign func(*http.Request, []byte)) (status int, code string) {
		return callService(t, p, sign)
	}
	signed := func(key []byte, at time.Time) func(*http.Request, []byte) {
		return func(r *http.Request, body []byte) { signature.Sign(r, key, body, at) }
	}
	accepted := time.Now()
	status, _ := call(signed(key, accepted))
	assert.Equal(t, http.StatusOK, status, "signed as it should be")

	for _, test := range []struct {
		name string
		sign func(*http.Request, []byte)
		code string
	}{
		{"unsigned", func(*http.Request, []byte) {}, "signature_missing"},
		{"signed with another key", signed([]byte("another key"), time.Now()), "signature_mismatch"},
		{"another body", func(r *http.Request, _ []byte) { signature.Sign(r, key, []byte("{}"), time.Now()) }, "signature_mismatch"},
		{"stale", signed(key, time.Now().Add(-signature.MaxAge-time.Second)), "signature_stale"},
		{"from the future", signed(key, time.Now().Add(signature.MaxAge+10*time.Second)), "signature_stale"},
	} {
		status, code := call(test.sign)
		assert.Equal(t, http.StatusUnauthorized, status, test.name)
		assert.Equal(t, test.code, code, test.name)
	}
	// The instances share what they have seen, so it does not matter which one answers.
	for range 4 {
		status, code := call(signed(key, accepted))
		assert.Equal(t, http.StatusUnauthorized, status, "replayed")
		assert.Equal(t, "signature_replayed", code)
	}
}

// callService sends the same message each time: only the signature varies.
func callService(t *testing.T, p *platform.Platform, sign func(*http.Request, []byte)) (status int, code string) {
	t.Helper()
	body := []byte(`{"requestId":"live-1","connectionId":"live","domainName":"live.example","stage":"prod","sourceIp":"192.0.2.1","body":"{\"action\":\"ping\"}"}`)
	balancer, err := p.Output("alb-dns-name")
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+balancer+"/internal/message",
		bytes.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	sign(r, body)
	// The emulator, unlike DNS, knows the load balancer's name.
	emulator, err := url.Parse(p.Endpoints.AWS)
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(emulator)}}
	response, err := client.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	var problem struct{ Code string }
	if response.StatusCode >= 400 {
		assert.Equal(t, "application/problem+json", response.Header.Get("Content-Type"))
		require.NoError(t, json.NewDecoder(response.Body).Decode(&problem))
	}
	return response.StatusCode, problem.Code
}

// secretText reads the only secret whose name begins with prefix.
func secretText(t *testing.T, p *platform.Platform, prefix string) []byte {
	t.Helper()
	client := secretsmanager.NewFromConfig(sdk(t, p))
	list, err := client.ListSecrets(t.Context(), &secretsmanager.ListSecretsInput{
		Filters: []types.Filter{{Key: types.FilterNameStringTypeName, Values: []string{prefix}}},
	})
	require.NoError(t, err)
	for _, secret := range list.SecretList {
		if strings.HasPrefix(aws.ToString(secret.Name), prefix) {
			out, err := client.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: secret.ARN})
			require.NoError(t, err)
			return []byte(*out.SecretString)
		}
	}
	require.Failf(t, "no secret", "prefix %s in %d secrets", prefix, len(list.SecretList))
	return nil
}

func sdk(t *testing.T, p *platform.Platform) aws.Config {
	t.Helper()
	cfg, err := p.AWS(t.Context())
	require.NoError(t, err)
	return cfg
}
