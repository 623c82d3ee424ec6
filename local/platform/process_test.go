package platform

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// launch starts a command as the platform does and reaps it when it ends.
func launch(t *testing.T, r *record, name, script string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sh", "-c", script)
	require.NoError(t, r.launcher(filepath.Dir(r.path))(name, cmd))
	t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }) // most often gone
	go func() { _ = cmd.Wait() }()
	return cmd
}

func TestRecordStopsProcessesOfAnEarlierProgram(t *testing.T) {
	dir := t.TempDir()
	r, err := readRecord(filepath.Join(dir, "processes.json"))
	require.NoError(t, err)
	folder := filepath.Join(dir, "server")
	require.NoError(t, os.Mkdir(folder, 0o700))
	require.NoError(t, r.own(folder))
	require.NoError(t, r.own(folder))
	// A server with a child that ignores the signal, as a Lambda function might.
	launch(t, r, "server", `sh -c 'trap "" TERM; sleep 60 & wait' & echo child $!; wait`)
	child := childPID(t, filepath.Join(dir, "server.log"))

	later, err := readRecord(r.path) // as the next program finds it
	require.NoError(t, err)
	require.Len(t, later.running(), 1)
	assert.Equal(t, []string{folder}, later.Folders)
	require.NoError(t, later.stop())
	assert.Empty(t, r.running())
	assert.Eventually(t, func() bool { _, err := startOf(child); return err != nil }, 30*time.Second, 10*time.Millisecond, "the child of the server")
	assert.NoDirExists(t, folder)
	assert.NoFileExists(t, r.path)
	assert.NoError(t, later.stop(), "again")
}

// One process is started again: the others go on, and so does its log.
func TestRecordEndsOneProcess(t *testing.T) {
	dir := t.TempDir()
	r := &record{path: filepath.Join(dir, "processes.json")}
	launch(t, r, "service-1", "echo before; sleep 60")
	require.Eventually(t, func() bool { text, _ := os.ReadFile(filepath.Join(dir, "service-1.log")); return len(text) > 0 },
		30*time.Second, 10*time.Millisecond)
	launch(t, r, "service-2", "sleep 60")
	require.NoError(t, r.end("service-1"))
	later, err := readRecord(r.path)
	require.NoError(t, err)
	require.Len(t, later.running(), 1)
	assert.Equal(t, "service-2", later.running()[0].Name)
	r.keepLogs = true
	launch(t, r, "service-1", "echo after; sleep 60")
	assert.Len(t, r.running(), 2)
	assert.Eventually(t, func() bool {
		text, _ := os.ReadFile(filepath.Join(dir, "service-1.log"))
		return string(text) == "before\nafter\n"
	}, 30*time.Second, 10*time.Millisecond)
}

func TestRecordIgnoresALaterProcessWithTheSameNumber(t *testing.T) {
	r := &record{path: filepath.Join(t.TempDir(), "processes.json")}
	cmd := launch(t, r, "later", "sleep 60")
	// The record is of a process that has ended, whose number was reused.
	r.Processes[0].Started = "11111111-2222-3333-4444-555555555555/1"
	assert.Empty(t, r.running())
	require.NoError(t, r.stop())
	_, err := startOf(cmd.Process.Pid)
	assert.NoError(t, err, "it still runs")
}

func TestStartOfAnEndedProcessIsAnError(t *testing.T) {
	cmd := exec.Command("true")
	require.NoError(t, cmd.Start())
	assert.Eventually(t, func() bool { _, err := startOf(cmd.Process.Pid); return err != nil },
		30*time.Second, 10*time.Millisecond, "it is not reaped yet")
	require.NoError(t, cmd.Wait())
	_, err := startOf(cmd.Process.Pid)
	assert.Error(t, err)
}

func TestBrokenRecordIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "processes.json")
	require.NoError(t, os.WriteFile(path, []byte("{"), 0o600))
	_, err := readRecord(path)
	assert.ErrorContains(t, err, path)
}

func TestWriteJSONReplacesForTheOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outputs.json")
	for _, suffix := range []string{"first", "second"} {
		require.NoError(t, writeJSON(path, &Platform{Suffix: suffix, Endpoints: Endpoints{AWS: "http://127.0.0.1:4566"}}))
	}
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.JSONEq(t, `{"suffix":"second","outputs":null,"endpoints":{"aws":"http://127.0.0.1:4566","websocket":"","api":"","page":""}}`, string(text))
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	require.NoError(t, err)
	assert.Equal(t, []string{path}, left)
}

// childPID waits for "child <pid>" in a log.
func childPID(t *testing.T, log string) int {
	t.Helper()
	var pid int
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(log)
		if err != nil {
			return false
		}
		n, err := fmt.Sscanf(string(text), "child %d\n", &pid)
		return err == nil && n == 1
	}, 30*time.Second, 10*time.Millisecond)
	return pid
}
