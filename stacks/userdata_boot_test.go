package stacks

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// networkSteps are the steps of the boot that need the network, by their names in
// testdata/machine.sh.
var networkSteps = []string{"yum", "amazon-cloudwatch-agent-ctl", "aws", "bundle", "health"}

const object = "the service's binary\n"

// machine is a folder that stands in for an instance: the script's directories are
// below it, and every command on its PATH is testdata/machine.sh or one that only
// reads and writes files.
type machine struct {
	t      *testing.T
	folder string
	script string
	bash   string // release whose behaviour is emulated, "" for the installed one
}

func newMachine(t *testing.T, u UserData) machine {
	t.Helper()
	m := machine{t: t, folder: t.TempDir()}
	for _, folder := range []string{"bin", "failures", "tmp", "etc/systemd/system", "var/log"} {
		require.NoError(t, os.MkdirAll(filepath.Join(m.folder, folder), 0o700))
	}
	fake, err := filepath.Abs("testdata/machine.sh")
	require.NoError(t, err)
	for _, name := range []string{"yum", "aws", "curl", "systemctl", "id", "useradd", "install", "sleep"} {
		require.NoError(t, os.Symlink(fake, filepath.Join(m.folder, "bin", name)))
	}
	for _, name := range []string{"bash", "mktemp", "rm", "sha256sum"} {
		require.NoError(t, os.Symlink(realCommand(t, name), filepath.Join(m.folder, "bin", name)))
	}
	m.write("object", object)
	u.ArtifactSHA256 = fmt.Sprintf("%x", sha256.Sum256([]byte(object)))
	m.script = regexp.MustCompile(`(^|[\s'":=])/(etc|opt|var)/`).ReplaceAllString(u.script(), "${1}"+m.folder+"/$2/")
	return m
}

// boot runs the script and returns what it printed.
func (m machine) boot() (string, error) {
	m.t.Helper()
	command := exec.Command("bash", "-s")
	command.Stdin = strings.NewReader(m.script)
	command.Env = []string{
		"PATH=" + filepath.Join(m.folder, "bin"), "TMPDIR=" + filepath.Join(m.folder, "tmp"),
		"MACHINE=" + m.folder, "REAL_INSTALL=" + realCommand(m.t, "install"), "BASH_COMPAT=" + m.bash,
	}
	output, err := command.CombinedOutput()
	return string(output), err
}

// calls returns the commands that the script ran, one per line, without sleeps.
func (m machine) calls() []string {
	var calls []string
	for line := range strings.Lines(m.read("calls")) {
		if !strings.HasPrefix(line, "sleep ") {
			calls = append(calls, strings.ReplaceAll(strings.TrimSpace(line), m.folder, ""))
		}
	}
	return calls
}

// slept returns the seconds that the script would have waited.
func (m machine) slept() (seconds int) {
	for line := range strings.Lines(m.read("calls")) {
		var n int
		if _, err := fmt.Sscanf(line, "sleep %d", &n); err == nil {
			seconds += n
		}
	}
	return seconds
}

func (m machine) fail(step string, times int) { m.write("failures/"+step, fmt.Sprintln(times)) }

func (m machine) write(path, text string) {
	m.t.Helper()
	require.NoError(m.t, os.WriteFile(filepath.Join(m.folder, path), []byte(text), 0o600))
}

func (m machine) read(path string) string {
	m.t.Helper()
	text, err := os.ReadFile(filepath.Join(m.folder, path))
	require.NoError(m.t, err)
	return string(text)
}

func realCommand(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	require.NoError(t, err)
	return path
}

func TestBootInstallsTheService(t *testing.T) {
	// Amazon Linux 2 has bash 4.2, which passes here-documents in files, not pipes.
	for _, bash := range []string{"4.2", ""} {
		m := newMachine(t, userData)
		m.bash = bash
		output, err := m.boot()
		require.NoError(t, err, output)
		assert.True(t, strings.HasSuffix(output, "boot: done\n"), output)
		assertInstalled(t, m)
	}
}

func assertInstalled(t *testing.T, m machine) {
	t.Helper()
	for path, want := range map[string]struct {
		text string
		mode os.FileMode
	}{
		"opt/portfolio/bin/portfolio":                    {object, 0o755},
		"etc/portfolio/rds-ca.pem":                       {"certificates\n", 0o644},
		"etc/portfolio/cloudwatch-agent.json":            {userData.AgentConfig() + "\n", 0o644},
		"etc/portfolio/logrotate.conf":                   {userData.execute("logrotate.conf"), 0o644},
		"etc/systemd/system/portfolio.service":           {userData.execute("portfolio.service"), 0o644},
		"etc/systemd/system/portfolio-logrotate.service": {userData.execute("portfolio-logrotate.service"), 0o644},
		"etc/systemd/system/portfolio-logrotate.timer":   {userData.execute("portfolio-logrotate.timer"), 0o644},
	} {
		assert.Equal(t, want.text, strings.ReplaceAll(m.read(path), m.folder, ""), path)
		info, err := os.Stat(filepath.Join(m.folder, path))
		require.NoError(t, err)
		assert.Equal(t, want.mode, info.Mode(), path)
	}
	environment, err := os.Stat(filepath.Join(m.folder, "etc/portfolio/portfolio.env"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o640), environment.Mode())
	for _, v := range userData.Environment {
		assert.Contains(t, m.read("etc/portfolio/portfolio.env"), v.Name+"='"+v.Value+"'\n")
	}
	left, err := os.ReadDir(filepath.Join(m.folder, "tmp"))
	require.NoError(t, err)
	assert.Empty(t, left, "the downloads are cleaned up")
}

func TestBootOrder(t *testing.T) {
	m := newMachine(t, userData)
	output, err := m.boot()
	require.NoError(t, err, output)
	order := []string{
		"useradd --system --no-create-home --shell /sbin/nologin portfolio",
		"install -d -m 0750 -o portfolio -g portfolio /var/log/portfolio",
		"yum install -y amazon-cloudwatch-agent logrotate",
		"install -m 0644 -o root -g root /dev/stdin /etc/portfolio/cloudwatch-agent.json",
		"amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s -c file:/etc/portfolio/cloudwatch-agent.json",
		"aws s3 cp --region ap-southeast-2 --only-show-errors --cli-connect-timeout 5 s3://" + userData.ArtifactBucket + "/" +
			userData.ArtifactKey + " ",
		"curl --fail --silent --show-error --connect-timeout 5 --max-time 60 --output ",
		"install -m 0755 ",
		"install -m 0640 -o root -g portfolio /dev/stdin /etc/portfolio/portfolio.env",
		"install -m 0644 -o root -g root /dev/stdin /etc/systemd/system/portfolio.service",
		"systemctl daemon-reload",
		"systemctl enable portfolio.service portfolio-logrotate.timer",
		"systemctl restart portfolio.service portfolio-logrotate.timer",
		"curl --fail --silent --show-error --max-time 5 --output /dev/null http://127.0.0.1/health",
	}
	next := 0
	for _, call := range m.calls() {
		if next < len(order) && strings.HasPrefix(call, order[next]) {
			next++
		}
	}
	assert.Equal(t, len(order), next, "missing in its place: %v\ncalls:\n%s", order[next:],
		strings.Join(m.calls(), "\n"))
}

// A binary with another hash than the released one is not installed.
func TestBootStopsAtAWrongHash(t *testing.T) {
	m := newMachine(t, userData)
	m.write("object", "something else\n")
	output, err := m.boot()
	require.Error(t, err)
	assert.Regexp(t, `boot: failed in line \d+: .*sha256sum`, output)
	for _, path := range []string{"opt/portfolio/bin/portfolio", "etc/portfolio/portfolio.env",
		"etc/systemd/system/portfolio.service"} {
		assert.NoFileExists(t, filepath.Join(m.folder, path))
	}
	assert.NotContains(t, strings.Join(m.calls(), "\n"), "systemctl")

	// The next attempt succeeds with the right one.
	m.write("object", object)
	output, err = m.boot()
	require.NoError(t, err, output)
}

// Routes, policies and repositories may be ready later than the instance.
func TestBootRetriesEachNetworkStep(t *testing.T) {
	for _, step := range networkSteps {
		t.Run(step, func(t *testing.T) {
			m := newMachine(t, userData)
			m.fail(step, 3)
			output, err := m.boot()
			require.NoError(t, err, output)
			assert.Equal(t, 3, strings.Count(output, "boot: this try failed: "), output)
			assert.Equal(t, 5+10+20, m.slept())
			assert.True(t, strings.HasSuffix(output, "boot: done\n"), output)
		})
	}
}

// A boot that fails reports it and does not start the service.
func TestBootGivesUpAfterFiveMinutes(t *testing.T) {
	for _, step := range networkSteps {
		t.Run(step, func(t *testing.T) {
			m := newMachine(t, userData)
			m.fail(step, 1000)
			output, err := m.boot()
			require.Error(t, err)
			assert.Contains(t, output, "boot: failed in line ")
			assert.GreaterOrEqual(t, m.slept(), 5*60)
			if step != "health" {
				assert.NotContains(t, strings.Join(m.calls(), "\n"), "systemctl")
			}
		})
	}
}

func TestBootIsIdempotent(t *testing.T) {
	m := newMachine(t, userData)
	output, err := m.boot()
	require.NoError(t, err, output)
	first := m.calls()
	m.write("calls", "")
	output, err = m.boot()
	require.NoError(t, err, output)
	// The user exists; otherwise only the names of temporary files differ.
	temporary := regexp.MustCompile(`/tmp/\S+/`)
	var want []string
	for _, call := range first {
		if !strings.HasPrefix(call, "useradd ") {
			want = append(want, temporary.ReplaceAllString(call, "/tmp/"))
		}
	}
	assert.Equal(t, strings.Join(want, "\n"), temporary.ReplaceAllString(strings.Join(m.calls(), "\n"), "/tmp/"))
}
