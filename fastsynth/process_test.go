package fastsynth_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A temporary folder that cannot be used is reported in one line, although the runtime
// is unpacked before main runs.
func TestUnusableTemporaryFolder(t *testing.T) {
	w := newWorkspace(t)
	for parent, problem := range map[string]string{
		filepath.Join(t.TempDir(), "none"): "which does not exist, want a folder for temporary files",
		"/dev/null":                        "which cannot be written to (not a directory), want a folder for temporary files",
	} {
		got := w.synth(platform, "TMPDIR="+parent)
		want := "TMPDIR: got " + parent + ", " + problem + "\n"
		if got.status != 2 || got.stderr != want || len(got.files) > 0 {
			t.Errorf("TMPDIR=%s: status %d, %d files, stderr %q, want 2, none, %q",
				parent, got.status, len(got.files), got.stderr, want)
		}
	}
}

func TestRelativeHome(t *testing.T) {
	w := newWarmWorkspace(t)
	w.env = slices.DeleteFunc(w.env, func(v string) bool {
		return strings.HasPrefix(v, "JSII_RUNTIME_PACKAGE_CACHE_ROOT=")
	})
	home := filepath.Join(w.dir, "home", ".cache", "aws", "jsii")
	if err := os.MkdirAll(home, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, cache := range []string{"package-cache", "fastsynth"} {
		if err := os.Rename(filepath.Join(w.dir, cache), filepath.Join(home, cache)); err != nil {
			t.Fatal(err)
		}
	}
	got := w.synth(platform, "HOME=../home")
	if got.status != 0 || len(got.files) == 0 || strings.Contains(got.stderr, "fastsynth") {
		t.Errorf("HOME=../home: status %d, %d files, stderr:\n%s", got.status, len(got.files), got.stderr)
	}
}

// A synthesis that is ended by a signal, at any time, removes what it unpacked.
func TestSignalsLeaveNoFiles(t *testing.T) {
	w := newWorkspace(t)
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		for _, delay := range []time.Duration{20 * time.Millisecond, 100 * time.Millisecond, 400 * time.Millisecond} {
			temporary := t.TempDir()
			cmd := exec.Command(filepath.Join(binaries, "portfolio"))
			cmd.Dir, cmd.Env = t.TempDir(), append(slices.Clone(w.env), "TMPDIR="+temporary)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(delay)
			if err := cmd.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // the status is checked
			// A signal may come before the program can handle any, when it has unpacked nothing.
			end := cmd.ProcessState.Sys().(syscall.WaitStatus)
			early := end.Signaled() && end.Signal() == s
			status := cmd.ProcessState.ExitCode()
			if status != 0 && status != 128+int(s) && !early {
				t.Errorf("%v after %v: status %d, want %d", s, delay, status, 128+int(s))
			}
			deadline := time.Now().Add(5 * time.Second)
			for len(list(t, temporary)) > 0 && time.Now().Before(deadline) {
				time.Sleep(10 * time.Millisecond) // Node may still be running
			}
			if left := list(t, temporary); len(left) > 0 {
				t.Errorf("%v after %v: left %v", s, delay, left)
			}
		}
	}
}
