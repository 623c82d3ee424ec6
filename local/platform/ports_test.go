package platform

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// listen returns a port that is taken until the test ends.
func listen(t *testing.T, address string) int {
	t.Helper()
	l, err := net.Listen("tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l.Addr().(*net.TCPAddr).Port
}

func TestUsualPortsAreUsedIfFree(t *testing.T) {
	free, err := reserve(0)
	require.NoError(t, err)
	port := free[0].Addr().(*net.TCPAddr).Port
	free.release()
	taken := listen(t, "127.0.0.1:0")
	chosen, lines, err := choosePorts(Ports{Emulator: port, Postgres: taken})
	require.NoError(t, err)
	assert.Equal(t, port, chosen.Emulator)
	assert.NotEqual(t, taken, chosen.Postgres)
	for _, each := range chosen.all() {
		assert.True(t, isFree(*each.port), each.name)
	}
	by := "another process"
	if runtime.GOOS == "linux" {
		self, err := os.Executable()
		require.NoError(t, err)
		name := filepath.Base(self)
		by = fmt.Sprintf("%s (pid %d)", name[:min(len(name), 15)], os.Getpid()) // the kernel keeps 15 characters
	}
	assert.Equal(t, []string{fmt.Sprintf("port %d is taken by %s: PostgreSQL uses %d", taken, by, chosen.Postgres)}, lines)
	assert.Equal(t, fmt.Sprintf("emulator %d, PostgreSQL %d, Valkey %d, service %d %d",
		chosen.Emulator, chosen.Postgres, chosen.Valkey, chosen.Services[0], chosen.Services[1]), chosen.String())
}

// A client of localhost tries IPv6 first.
func TestPortOfTheIPv6LoopbackIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		require.ErrorContains(t, err, "assign requested address", "this machine has no IPv6")
		return
	}
	defer l.Close()
	assert.False(t, isFree(l.Addr().(*net.TCPAddr).Port))
}

func TestReservedPortsAreTakenUntilTheyAreReleased(t *testing.T) {
	held, err := reserve(0, 0)
	require.NoError(t, err)
	port := held[0].Addr().(*net.TCPAddr).Port
	assert.False(t, isFree(port))
	_, err = reserve(port)
	assert.Error(t, err)
	held.release()
	held.release()
	assert.Eventually(t, func() bool { return isFree(port) }, 10*time.Second, 10*time.Millisecond)
}

func TestOtherPortsAreNotTheUsualOnes(t *testing.T) {
	chosen, lines, err := choosePorts(Ports{})
	require.NoError(t, err)
	assert.Empty(t, lines)
	for i, each := range chosen.all() {
		assert.NotEqual(t, *usualPorts.all()[i].port, *each.port, each.name)
		assert.Greater(t, *each.port, 19999)
	}
	assert.False(t, strings.Contains(chosen.String(), " 0"), chosen.String())
}
