package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"portfolio/contract/signature"
	"portfolio/local/servers"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// api calls the API and decodes the answer.
func (i *instance) api(key, method, path, body string, status int, out any) {
	i.t.Helper()
	r, err := http.NewRequestWithContext(i.t.Context(), method, i.base+path, strings.NewReader(body))
	require.NoError(i.t, err)
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", unique())
	a := i.send(r)
	require.Equal(i.t, status, a.Status, a.Body)
	if status < 300 {
		require.NoError(i.t, json.Unmarshal([]byte(a.Body), out))
	}
}

// instance is a running service.
type instance struct {
	t       *testing.T
	base    string
	logFile string
	process *os.Process
	ended   chan struct{}
	state   *os.ProcessState
}

// start launches an instance and waits until it answers.
func start(t *testing.T, env map[string]string) *instance {
	t.Helper()
	i := launch(t, env)
	i.eventually("/health", http.StatusOK)
	return i
}

// launch runs the binary with env, on a port of its own, until the test ends.
func launch(t *testing.T, env map[string]string) *instance {
	t.Helper()
	address := freeAddress(t)
	i := &instance{t: t, base: "http://" + address, logFile: filepath.Join(t.TempDir(), "portfolio.log"),
		ended: make(chan struct{})}
	env = maps.Clone(env)
	env["LISTEN_ADDRESS"], env["LOG_FILE"] = address, i.logFile
	cmd := exec.Command(binary)
	cmd.Env = list(env)
	servers.EndWithParent(cmd, syscall.SIGKILL)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	i.process = cmd.Process
	go func() {
		_ = cmd.Wait() // tests compare the status where it matters
		i.state = cmd.ProcessState
		close(i.ended)
	}()
	t.Cleanup(func() {
		_ = i.process.Kill() // it may have ended already
		<-i.ended
		if t.Failed() {
			t.Logf("%s\n%s", i.log(), stderr.String())
		}
	})
	return i
}

func list(env map[string]string) []string {
	var all []string
	for name, value := range env {
		all = append(all, name+"="+value)
	}
	return all
}

func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", servers.Host+":0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

func (i *instance) log() string {
	text, err := os.ReadFile(i.logFile)
	require.NoError(i.t, err)
	return string(text)
}

// get returns the status and body of a path, status 0 if there is no answer.
func (i *instance) get(path string) (int, string) {
	response, err := client.Get(i.base + path)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(i.t, err)
	return response.StatusCode, string(body)
}

// eventually waits until a path is answered with status.
func (i *instance) eventually(path string, status int) {
	i.t.Helper()
	require.EventuallyWithT(i.t, func(c *assert.CollectT) {
		got, body := i.get(path)
		assert.Equal(c, status, got, "%s: %s", path, body)
	}, 45*time.Second, 100*time.Millisecond)
}

var client = &http.Client{Timeout: 40 * time.Second}

// call returns a request that is signed with key at a time.
func (i *instance) call(path, key, body string, at time.Time) *http.Request {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, i.base+path, strings.NewReader(body))
	require.NoError(i.t, err)
	signature.Sign(r, []byte(key), []byte(body), at)
	return r
}

// answer is the answer to a call.
type answer struct {
	Status int
	Body   string
	Code   string // of a problem document
}

// send makes a call. The same call may be sent again, also to another instance. Any
// goroutine may call send: an error fails the test and returns status 0.
func (i *instance) send(r *http.Request) answer {
	i.t.Helper()
	again := r.Clone(context.Background())
	again.URL.Host = strings.TrimPrefix(i.base, "http://")
	content, err := r.GetBody()
	if !assert.NoError(i.t, err) {
		return answer{}
	}
	again.Body = content
	response, err := client.Do(again)
	if !assert.NoError(i.t, err) {
		return answer{}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if !assert.NoError(i.t, err) {
		return answer{}
	}
	a := answer{Status: response.StatusCode, Body: strings.TrimSpace(string(body))}
	if response.Header.Get("Content-Type") == "application/problem+json" {
		var problem struct {
			Status int
			Code   string
		}
		assert.NoError(i.t, json.Unmarshal(body, &problem))
		assert.Equal(i.t, a.Status, problem.Status)
		a.Code = problem.Code
	}
	return a
}

// exit waits for the end of the process and returns its status.
func (i *instance) exit(within time.Duration) (int, error) {
	select {
	case <-i.ended:
		return i.state.ExitCode(), nil
	case <-time.After(within):
		return 0, errors.New("the process still runs")
	}
}
