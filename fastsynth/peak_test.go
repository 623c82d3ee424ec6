package fastsynth_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// measureCommand makes this test program run another program and report its peak memory.
const measureCommand = "measure"

// measure runs a command, writes the largest resident size of one of its processes, in the
// kernel's unit, to file descriptor 3, and returns its exit status.
func measure(command []string) int {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	_, err := fmt.Fprint(os.NewFile(3, "peak"), cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return cmd.ProcessState.ExitCode()
}

// runMeasured runs a command and returns its peak memory and cmd.Run's error. On Linux a new
// process's peak starts with that of the process that starts it, so the tests, which hold a
// lot of output, let a small process start it.
func runMeasured(t *testing.T, cmd *exec.Cmd) (peak int64, err error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	report, err := os.Create(filepath.Join(t.TempDir(), "peak"))
	if err != nil {
		t.Fatal(err)
	}
	defer report.Close()
	cmd.Args = append([]string{self, measureCommand, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = self
	cmd.ExtraFiles = []*os.File{report}
	runErr := cmd.Run()
	content, err := os.ReadFile(report.Name())
	if err != nil {
		t.Fatal(err)
	}
	if peak, err = strconv.ParseInt(string(content), 10, 64); err != nil {
		t.Fatalf("%v: %v, peak memory %q", cmd, runErr, content)
	}
	return peak, runErr
}
