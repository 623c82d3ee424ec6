package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// build builds the binary as it is released.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "bootstrap")
	command := exec.Command("go", "build", "-tags", "lambda.norpc", "-trimpath", "-buildvcs=false", "-o", binary, ".")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	output, err := command.CombinedOutput()
	require.NoError(t, err, string(output))
	return binary
}

// fakeRuntime is Lambda's side of the runtime API: it delivers events one after
// another and forwards the function's answers.
type fakeRuntime struct {
	*httptest.Server
	events  chan string
	answers chan string
}

func newFakeRuntime(t *testing.T) *fakeRuntime {
	f := &fakeRuntime{events: make(chan string), answers: make(chan string, 1)}
	const api = "/2018-06-01/runtime/"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+api+"invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case event := <-f.events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "invocation-1")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(30*time.Second).UnixMilli()))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn",
				"arn:aws:lambda:us-east-1:123456789012:function:websocket")
			_, _ = io.WriteString(w, event)
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST "+api+"invocation/invocation-1/response", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		f.answers <- string(body)
	})
	mux.HandleFunc("POST "+api, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		f.answers <- "error: " + r.URL.Path + " " + string(body)
	})
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	return f
}

// invoke delivers an event and returns the function's answer to it.
func (f *fakeRuntime) invoke(t *testing.T, event string) response {
	t.Helper()
	timeout := time.After(30 * time.Second)
	select {
	case f.events <- event:
	case <-timeout:
		require.Fail(t, "the function asks for no event")
	}
	select {
	case answer := <-f.answers:
		var got response
		require.NoError(t, json.Unmarshal([]byte(answer), &got), answer)
		return got
	case <-timeout:
		require.Fail(t, "the function does not answer")
	}
	return response{}
}

// start runs the binary with exactly the given environment; stop ends it and
// returns its output.
func start(t *testing.T, binary string, environment ...string) (stop func() string) {
	t.Helper()
	var output bytes.Buffer
	ctx, cancel := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, binary)
	command.Env, command.Dir = environment, t.TempDir()
	command.Stdout, command.Stderr = &output, &output
	require.NoError(t, command.Start())
	stop = func() string {
		cancel()
		_ = command.Wait() // killed
		return output.String()
	}
	t.Cleanup(func() { stop() })
	return stop
}

// One process answers many events, from Lambda to a service that verifies
// signatures, while the key is rotated.
func TestBinary(t *testing.T) {
	aws, lambda := newFakeAWS(t, oldKey, newKey), newFakeRuntime(t)
	service := newFakeService(t, says(204, ""), says(200, `{"type":"pong"}`), refuses(401, "signature_mismatch"),
		says(200, `{"type":"`+replied+`"}`), says(204, ""), refuses(403, "forbidden"))
	u, err := url.Parse(service.URL)
	require.NoError(t, err)
	stop := start(t, build(t),
		"AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(lambda.URL, "http://"), "AWS_ENDPOINT_URL="+aws.URL,
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"ALB_DNS="+u.Host, "ALB_SCHEME=http", "SIGNING_SECRET_ARN=arn:secret", "LOG_LEVEL=debug")

	assert.Equal(t, response{Status: 200}, lambda.invoke(t, connectEvent()))
	assert.Equal(t, response{Status: 200, Body: `{"type":"pong"}`}, lambda.invoke(t, messageEvent(hello)))
	reads, _ := aws.counts()
	assert.Equal(t, 1, reads, "before the key changed")
	assert.Equal(t, response{Status: 200, Body: `{"type":"` + replied + `"}`}, lambda.invoke(t, messageEvent(hello)))
	assert.Equal(t, response{Status: 200}, lambda.invoke(t, disconnectEvent()))
	for range 5 {
		assert.Equal(t, response{Status: 403}, lambda.invoke(t, connectEvent()))
	}
	code, _ := failure(t, lambda.invoke(t, messageEvent("{")))
	assert.Equal(t, "malformed_json", code)
	reads, _ = aws.counts()
	assert.Equal(t, 2, reads, "once, and once more as the key changed")

	calls := service.got()
	require.Len(t, calls, 10)
	seen := map[string]bool{}
	for i, c := range calls {
		if i < 3 {
			assert.NoError(t, c.byOldKey, c.path)
		} else {
			assert.NoError(t, c.byNewKey, c.path)
		}
		seen[c.path] = true
	}
	assert.Len(t, seen, 3)

	output := stop()
	assertDiscreet(t, output, calls)
	lines := strings.Split(strings.TrimSpace(output), "\n")
	assert.Len(t, lines, 11, "one for each event, one for the key\n"+output)
	for _, line := range lines {
		var entry struct{ Timestamp, Level, Message, RequestID, ConnectionID string }
		require.NoError(t, json.Unmarshal([]byte(line), &entry), line)
		assert.NotEmpty(t, entry.Timestamp, line)
		assert.NotEmpty(t, entry.Level, line)
		assert.NotEmpty(t, entry.Message, line)
		assert.Equal(t, "r-1 c-1=", entry.RequestID+" "+entry.ConnectionID, line)
	}
}

// When the load balancer's name does not resolve, as on an emulator, the service is
// reached through a proxy, and AWS and Lambda without it.
func TestBinaryThroughProxy(t *testing.T) {
	aws, lambda := newFakeAWS(t, newKey), newFakeRuntime(t)
	proxy := newFakeService(t, func(w http.ResponseWriter, r *http.Request) { says(200, `"`+r.Host+`"`)(w, r) })
	start(t, build(t),
		"AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(lambda.URL, "http://"), "AWS_ENDPOINT_URL="+aws.URL,
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"ALB_DNS=alb.invalid", "ALB_SCHEME=http", "SIGNING_SECRET_ARN=arn:secret", "HTTP_PROXY="+proxy.URL)

	assert.Equal(t, response{Status: 200, Body: `"alb.invalid"`}, lambda.invoke(t, messageEvent(hello)))
	calls := proxy.got()
	require.Len(t, calls, 1)
	assert.NoError(t, calls[0].byNewKey)
}

func TestBinaryRefusesItsEnvironment(t *testing.T) {
	binary := build(t)
	for name, test := range map[string]struct{ environment, want []string }{
		"empty": {nil, []string{
			`ALB_DNS: got nothing, want the load balancer's host without scheme and path`,
			`ALB_SCHEME: got nothing, want http or https`,
			`SIGNING_SECRET_ARN: got nothing, want the ARN of the signing secret`,
		}},
		"all wrong": {[]string{"ALB_DNS=http://alb/", "ALB_SCHEME=ftp", "SIGNING_SECRET_ARN=", "LOG_LEVEL=loud"}, []string{
			`ALB_DNS: got http://alb/, want the load balancer's host without scheme and path`,
			`ALB_SCHEME: got ftp, want http or https`,
			`SIGNING_SECRET_ARN: got nothing, want the ARN of the signing secret`,
			`LOG_LEVEL: got loud, want debug, info, warn or error`,
		}},
		"TLS without a name": {[]string{"ALB_DNS=alb", "ALB_SCHEME=https", "SIGNING_SECRET_ARN=arn"}, []string{
			`ALB_SERVER_NAME: got nothing, want a host name in the certificate, or CERTIFICATE_ARN to be set, when ALB_SCHEME is https`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			command := exec.Command(binary)
			command.Env = append([]string{"AWS_REGION=us-east-1"}, test.environment...)
			output, err := command.Output()
			var failed *exec.ExitError
			require.ErrorAs(t, err, &failed)
			assert.Equal(t, exitBadInput, failed.ExitCode())
			assert.Empty(t, string(failed.Stderr))
			var got []string
			for line := range strings.Lines(string(output)) {
				var entry struct{ Error string }
				require.NoError(t, json.Unmarshal([]byte(line), &entry), line)
				got = append(got, entry.Error)
			}
			assert.Equal(t, test.want, got)
		})
	}
}
