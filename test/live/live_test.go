// Package live tests the platform as it runs on one machine: the real Terraform and AWS
// provider apply it once and destroy it at the end.
package live

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"portfolio/config"
	"portfolio/local/platform"
	"portfolio/local/servers"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	root   = "../.."
	suffix = "live"
)

// at is where the test's platform runs from. It is not the place of make local, whose
// platform a test must not touch.
var at = platform.Place{Root: root, Folder: "build/live"}

// TestMain starts all parallel tests at once, however few processors there are: most of
// the time they wait for Terraform.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// own are the settings of the platform's own environment that differ from those of others.
// RDS_BLUE_GREEN is for updates of the database: it changes neither its creation nor its
// deletion.
var own = map[string]string{
	"ENVIRONMENT_SUFFIX": suffix, "PORTFOLIO_PROFILE": "standard", "RDS_BLUE_GREEN": "on",
}

// TestPlatform starts the platform, tests it while it runs, and ends it. Destroying it
// and ending its processes are tests, too, in this order. What needs nothing but its AWS
// account begins while it is still starting.
func TestPlatform(t *testing.T) {
	t.Setenv("REPOSITORY", "example/portfolio")
	t.Setenv("COMMIT_AUTHOR", "live test")
	for name, value := range own {
		t.Setenv(name, value)
	}
	unlock, err := servers.Lock(t.Context(), filepath.Join(root, "build/live.lock"))
	require.NoError(t, err)
	t.Cleanup(unlock)
	require.NoError(t, at.Down(), "left by a test that was killed")
	t.Cleanup(func() { assert.NoError(t, at.Down()) })
	launcher := buildLauncher(t)
	wait := background(t, launcher(t, "up", "--other-ports"))
	account := awaitAccount(t)

	var p *platform.Platform
	deployed := make(chan struct{}) // closed once pr1 is deployed or that has failed
	t.Run("beside each other", func(t *testing.T) {
		t.Run("pr1", func(t *testing.T) { t.Parallel(); defer close(deployed); cutDeploys(t, account, "pr1") })
		t.Run("production", func(t *testing.T) { t.Parallel(); productions(t, account) })
		t.Run("replica", func(t *testing.T) { t.Parallel(); replicas(t, account) })
		t.Run("not deployed", func(t *testing.T) {
			t.Parallel()
			t.Run("idle connections", func(t *testing.T) { idleConnections(t, account) })
			// By now all deploys wait, and leave it the processor.
			t.Run("other profiles ejected", func(t *testing.T) { ejectedProfiles(t, account) })
		})
		t.Run("platform", func(t *testing.T) {
			t.Parallel()
			p = opened(t, wait)
			before := picture(t, p)
			t.Run("while pr1 is destroyed", func(t *testing.T) { // most of which is waiting
				t.Run("reap", func(t *testing.T) { t.Parallel(); reaps(t, p, deployed, before) })
				t.Run("used", func(t *testing.T) {
					t.Parallel()
					t.Run("running", func(t *testing.T) { running(t, launcher, p, before.plan) })
					t.Run("no password anywhere", func(t *testing.T) { noPassword(t, p, before.plan) })
				})
			})
			t.Run("state", func(t *testing.T) { state(t, p) })
			t.Run("destroy", func(t *testing.T) { destroy(t, p) })
		})
	})
	require.NotNil(t, p, "the platform is not up")
	t.Run("statements", func(t *testing.T) { statements(t, p) })
	t.Run("down", func(t *testing.T) { down(t, launcher, p) })
}

// TestEverySettingIsApplied checks that the environments which are deployed and planned again
// have among them every setting that shapes one.
func TestEverySettingIsApplied(t *testing.T) {
	applied := []string{"CERTIFICATE_ARN", "DELETION_PROTECTION"} // of pr1, and of production's second plan
	for _, settings := range []map[string]string{own, pullRequest, productionSettings("", "")} {
		applied = slices.AppendSeq(applied, maps.Keys(settings))
	}
	same := []string{ // in every environment here
		"AWS_ENDPOINT_URL", "AWS_REGION", "COMMIT_AUTHOR", "COMMIT_SHA", "PERMISSIONS_BOUNDARY_ARN", "REPOSITORY",
		"TERRAFORM_STATE_BUCKET", "TERRAFORM_STATE_BUCKET_REGION",
	}
	assert.Subset(t, append(applied, same...), config.Variables())
}

// background starts a command and returns a function that waits for its end.
func background(t *testing.T, cmd *exec.Cmd) (wait func() (string, error)) {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Start())
	wait = sync.OnceValues(func() (string, error) {
		err := cmd.Wait()
		return out.String(), err
	})
	t.Cleanup(func() { _, _ = wait() }) // tests look at the result themselves
	return wait
}

// awaitAccount returns the account of the platform that is starting, once it can be used.
func awaitAccount(t *testing.T) (account *platform.Platform) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		var err error
		account, err = at.Account(t.Context())
		require.NoError(c, err)
	}, 5*time.Minute, time.Second)
	return account
}

// opened returns the platform once the command that starts it has ended.
func opened(t *testing.T, wait func() (string, error)) *platform.Platform {
	t.Helper()
	out, err := wait()
	require.NoError(t, err, out)
	t.Logf("up:\n%s", out)
	p, err := at.Open()
	require.NoError(t, err)
	return p
}

// running tests the platform while it is up.
func running(t *testing.T, launcher launcher, p *platform.Platform, plan plan) {
	t.Run("up again leaves it alone", func(t *testing.T) { upAgain(t, launcher, p) })
	t.Run("listens on loopback only", func(t *testing.T) { loopbackOnly(t, p) })
	// Not in parallel, since it removes instances from the load balancer.
	t.Run("portfolios", func(t *testing.T) { portfolios(t, p) })
	t.Run("ejected", func(t *testing.T) { t.Parallel(); ejected(t, p, plan) })
	t.Run("resources", func(t *testing.T) { t.Parallel(); resources(t, p) })
	t.Run("outputs", func(t *testing.T) { t.Parallel(); outputs(t, p) })
	t.Run("socket", func(t *testing.T) { t.Parallel(); socket(t, p) })
	t.Run("page", func(t *testing.T) { t.Parallel(); browser(t, p) })
	t.Run("artifact", func(t *testing.T) { t.Parallel(); artifact(t, p) })
	t.Run("drift", func(t *testing.T) { t.Parallel(); drifts(t, p) })
	t.Run("signed calls", func(t *testing.T) { t.Parallel(); signedCalls(t, p) })
}

// launcher returns a command of the program behind make local, for the test's platform.
type launcher func(t *testing.T, args ...string) *exec.Cmd

// buildLauncher builds the program. The platform outlives it.
func buildLauncher(t *testing.T) launcher {
	path := filepath.Join(t.TempDir(), "local")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, "portfolio/local").CombinedOutput()
	require.NoError(t, err, string(out))
	return func(t *testing.T, args ...string) *exec.Cmd {
		return command(t, path, append([]string{"--folder", at.Folder}, args...)...)
	}
}

// command runs a program in the top folder.
func command(t *testing.T, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = root
	return cmd
}

func upAgain(t *testing.T, local launcher, p *platform.Platform) {
	before, err := at.Running()
	require.NoError(t, err)
	out, err := local(t, "up").CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), "already running")
	assert.Contains(t, string(out), p.Endpoints.WebSocket)
	after, err := at.Running()
	require.NoError(t, err)
	assert.Equal(t, before, after)
	assert.Len(t, after, 6, "emulator, PostgreSQL, Valkey and its TLS listener, two instances")
}

// down ends every process and listener. A second call finds nothing to end.
func down(t *testing.T, local launcher, p *platform.Platform) {
	listening := ports(p)
	out, err := local(t, "down").CombinedOutput()
	require.NoError(t, err, string(out))
	running, err := at.Running()
	require.NoError(t, err)
	assert.Empty(t, running)
	_, err = at.Open()
	assert.True(t, errors.Is(err, platform.ErrDown))
	for _, port := range listening {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if assert.NoError(t, err, "port %d is free", port) {
			assert.NoError(t, l.Close())
		}
	}
	out, err = local(t, "down").CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), "Nothing was running")
}

// idleConnections uses a connection to the emulator after it was idle for longer than Go's
// clients keep one, those of the SDK and of Terraform's provider among them. If the emulator
// closed it first, an apply would now and then fail on what it has just created.
func idleConnections(t *testing.T, p *platform.Platform) {
	client := &http.Client{Transport: &http.Transport{}} // no limit of its own
	defer client.CloseIdleConnections()
	reused := func() (reused bool) {
		trace := &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) { reused = c.Reused }}
		request, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), http.MethodGet,
			p.Endpoints.AWS+"/_ministack/health", nil)
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

// ports lists where the platform listens.
func ports(p *platform.Platform) []int {
	all := p.Ports()
	return append([]int{all.Emulator, all.Postgres, all.Valkey}, all.Services[:]...)
}

// loopbackOnly dials the platform's ports, none of them a usual one, at every address of
// this machine.
func loopbackOnly(t *testing.T, p *platform.Platform) {
	addresses, err := net.InterfaceAddrs()
	require.NoError(t, err)
	for _, port := range ports(p) {
		assert.NotContains(t, []int{servers.EmulatorPort, servers.PostgresPort, servers.ValkeyPort, 8081, 8082}, port)
		for _, address := range addresses {
			ip := address.(*net.IPNet).IP
			if ip.IsLinkLocalUnicast() {
				continue // needs a zone
			}
			conn, err := net.DialTimeout("tcp", net.JoinHostPort(ip.String(), strconv.Itoa(port)), 5*time.Second)
			if err == nil {
				conn.Close()
			}
			assert.Equal(t, ip.Equal(net.ParseIP(servers.Host)), err == nil, "dialling %s, port %d: %v", ip, port, err)
		}
	}
}
