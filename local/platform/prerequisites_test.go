package platform

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestToolVersions(t *testing.T) {
	for _, c := range []struct{ name, minimum, words, want string }{
		{"go", "1.26", "go version go1.26.8 linux/amd64", ""},
		{"go", "1.26", "go version go1.26rc1 linux/amd64", ""},
		{"go", "1.26", "go version go1.9.7 linux/amd64", "go: got 1.9.7, want 1.26 or newer"},
		{"node", "20.9", "v20.9.0\n", ""},
		{"node", "20.9", "v18.20.4\n", "node: got 18.20.4, want 20.9 or newer"},
		{"terraform", "1.11", "Terraform v1.11.4\non linux_amd64\n", ""},
		{"terraform", "1.11", "Terraform v1.5.7\n\nYour version of Terraform is out of date! The latest version\nis 1.13.1.", "terraform: got 1.5.7, want 1.11 or newer"},
		{"python3", "3.10", "Python 3.10.0\n", ""},
		{"python3", "3.10", "Python 3.9.18\n", "python3: got 3.9.18, want 3.10 or newer"},
		{"python3", "3.10", "what?\n", `python3: got "what?", want a version number`},
	} {
		err := tool{Name: c.name, Minimum: c.minimum}.judge(c.words)
		if c.want == "" {
			assert.NoError(t, err, c.words)
			continue
		}
		assert.EqualError(t, err, c.want)
	}
}

func TestMissingTool(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	assert.EqualError(t, tools[0].check(t.Context()), "go: got none, want 1.26 or newer on PATH")
}

func TestMachineReportsEverythingAtOnce(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := checkMachine(t.Context(), t.TempDir())
	assert.ErrorAs(t, err, &BadInput{})
	for _, want := range []string{"go: got none", "node: got none", "terraform: got none", "python3: got none",
		"build/backend/portfolio: got none, want what `make setup build` makes"} {
		assert.ErrorContains(t, err, want)
	}
}

func TestTakenPortNamesItsHolder(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	self, err := os.Executable()
	require.NoError(t, err)
	name := filepath.Base(self)
	want := fmt.Sprintf("port %d: got %s (pid %d), want it free", port, name[:min(len(name), 15)], os.Getpid()) // the kernel keeps 15 characters
	assert.EqualError(t, checkPort(port), want)
	require.NoError(t, l.Close())
	assert.NoError(t, checkPort(port))
}
