// Package live tests the platform as it runs on this machine: applied once by
// the real Terraform and AWS provider, destroyed at the end.
package live

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"portfolio/local/platform"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	root   = "../.."
	suffix = "live"
)

var ports = []int{4566, 5432, 6379, 8081, 8082}

// TestMain lets all parallel tests begin at once, however few processors there
// are: most of their time is Terraform's waiting.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// TestPlatform brings the platform up, looks at it from all sides, and takes it
// down again; the order of the last two is part of what is tested.
func TestPlatform(t *testing.T) {
	for name, value := range map[string]string{
		"ENVIRONMENT_SUFFIX": suffix, "PORTFOLIO_PROFILE": "standard",
		"REPOSITORY": "example/portfolio", "COMMIT_AUTHOR": "live test",
	} {
		t.Setenv(name, value)
	}
	launcher := buildLauncher(t)
	t.Cleanup(func() { assert.NoError(t, platform.Down(root)) })
	if out, err := command(t, launcher, "up").CombinedOutput(); err != nil {
		t.Fatalf("up: %v\n%s", err, out)
	} else {
		t.Logf("up:\n%s", out)
	}
	p, err := platform.Open(root)
	require.NoError(t, err)

	t.Run("running", func(t *testing.T) {
		t.Run("up again leaves it alone", func(t *testing.T) { upAgain(t, launcher, p) })
		t.Run("listens on loopback only", loopbackOnly)
		// Alone, since it takes instances from the load balancer.
		t.Run("portfolios", func(t *testing.T) { portfolios(t, p) })
		t.Run("environments", func(t *testing.T) { t.Parallel(); environments(t, p) })
		t.Run("ejected", func(t *testing.T) { t.Parallel(); ejected(t, p) })
		t.Run("resources", func(t *testing.T) { t.Parallel(); resources(t, p) })
		t.Run("outputs", func(t *testing.T) { t.Parallel(); outputs(t) })
		t.Run("socket", func(t *testing.T) { t.Parallel(); socket(t, p) })
		t.Run("idle connections", func(t *testing.T) { t.Parallel(); idleConnections(t, p) })
		t.Run("signed calls", func(t *testing.T) { t.Parallel(); signedCalls(t, p) })
		t.Run("plans of every profile", func(t *testing.T) { t.Parallel(); plans(t) })
	})
	t.Run("state", func(t *testing.T) { state(t, p) })
	t.Run("no password anywhere", func(t *testing.T) { noPassword(t, p) })
	t.Run("destroy", func(t *testing.T) { destroy(t, p) })
	t.Run("down", func(t *testing.T) { down(t, launcher) })
}

// buildLauncher builds the program behind make local: the platform outlives it.
func buildLauncher(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "local")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, "portfolio/local").CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

// command runs a program in the top folder.
func command(t *testing.T, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = root
	return cmd
}

func upAgain(t *testing.T, launcher string, p *platform.Platform) {
	before, err := platform.Running(root)
	require.NoError(t, err)
	out, err := command(t, launcher, "up").CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), "running already")
	assert.Contains(t, string(out), p.Endpoints.WebSocket)
	after, err := platform.Running(root)
	require.NoError(t, err)
	assert.Equal(t, before, after)
	assert.Len(t, after, 6, "emulator, PostgreSQL, Valkey and its TLS listener, two instances")
}

// down ends everything: no process, no listener, and nothing on a second call.
func down(t *testing.T, launcher string) {
	out, err := command(t, launcher, "down").CombinedOutput()
	require.NoError(t, err, string(out))
	running, err := platform.Running(root)
	require.NoError(t, err)
	assert.Empty(t, running)
	_, err = platform.Open(root)
	assert.True(t, errors.Is(err, platform.ErrDown))
	for _, port := range ports {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if assert.NoError(t, err, "port %d is free", port) {
			assert.NoError(t, l.Close())
		}
	}
	out, err = command(t, launcher, "down").CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), "Nothing was running")
}

// idleConnections uses a connection to the emulator after longer than Go's clients
// keep one idle, the SDK's and Terraform's provider's among them. Were the emulator the
// first to close it, an apply would now and then fail on what it has just created.
func idleConnections(t *testing.T, p *platform.Platform) {
	client := &http.Client{Transport: &http.Transport{}} // no limit of its own
	defer client.CloseIdleConnections()
	reused := func() (reused bool) {
		trace := &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) { reused = c.Reused }}
		request, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), http.MethodGet, p.Endpoints.AWS+"/_ministack/health", nil)
		require.NoError(t, err)
		response, err := client.Do(request)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		return reused
	}
	require.False(t, reused())
	time.Sleep(http.DefaultTransport.(*http.Transport).IdleConnTimeout + 5*time.Second)
	assert.True(t, reused(), "the emulator closed an idle connection")
}

// loopbackOnly reads what the kernel says of every listener on the platform's ports.
func loopbackOnly(t *testing.T) {
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		require.NoError(t, err)
		for _, port := range ports {
			assert.NotContains(t, string(text), fmt.Sprintf("00000000:%04X", port), "port %d on every interface", port)
		}
	}
}
