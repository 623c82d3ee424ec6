package fastsynth_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

var (
	forty    = []string{"forty"}
	platform = []string{"portfolio"}
)

// silenced turns off jsii's banner on the stock path.
const silenced = "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20,22,24,26"

// Shared by the tests; the first one that needs it makes it.
var (
	warmed, stock sync.Once
	coldResults   [4]result // of runs at the same time, whose cache was empty
	stockResult   result
)

// binaries is the folder of the programs that the tests run: jsii has one kernel per
// process, so every synthesis is a process of its own.
var binaries string

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == measureCommand {
		os.Exit(measure(os.Args[2:]))
	}
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "fastsynth-test-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binaries = dir
		build := exec.Command("go", "build", "-buildvcs=false", "-o", dir+"/", "portfolio",
			"portfolio/tools/synthbench/forty")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%v: %v\n%s", build, err, out)
			return 1
		}
		return m.Run()
	}())
}

// A workspace runs one synthesis after another with its own fastsynth cache and the user's
// jsii package cache.
type workspace struct {
	t   *testing.T
	dir string
	env []string
}

func newWorkspace(t *testing.T) *workspace {
	t.Helper()
	w := &workspace{t: t, dir: t.TempDir()}
	packages := os.Getenv("JSII_RUNTIME_PACKAGE_CACHE_ROOT")
	if packages == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			t.Fatal(err)
		}
		packages = filepath.Join(home, ".cache", "aws", "jsii", "package-cache")
	}
	if err := os.MkdirAll(packages, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(packages, filepath.Join(w.dir, "package-cache")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"PATH", "HOME"} {
		w.env = append(w.env, name+"="+os.Getenv(name))
	}
	w.env = append(w.env, "CHECKPOINT_DISABLE=1",
		"JSII_RUNTIME_PACKAGE_CACHE_ROOT="+filepath.Join(w.dir, "package-cache"))
	return w
}

// newWarmWorkspace returns a workspace with the cache that the cold runs left.
func newWarmWorkspace(t *testing.T) *workspace {
	t.Helper()
	w := newWorkspace(t)
	warmed.Do(func() {
		var running sync.WaitGroup
		for i := range coldResults {
			running.Go(func() { coldResults[i] = w.synth(forty) })
		}
		running.Wait()
		if err := os.CopyFS(filepath.Join(binaries, "warm"), os.DirFS(w.cache())); err != nil {
			t.Fatal(err)
		}
	})
	if err := os.RemoveAll(w.cache()); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(w.cache(), os.DirFS(filepath.Join(binaries, "warm"))); err != nil {
		t.Fatal(err)
	}
	return w
}

// stockForty returns the stock path's result for the forty types.
func stockForty(t *testing.T) result {
	t.Helper()
	stock.Do(func() { stockResult = newWorkspace(t).stock(forty) })
	return stockResult
}

// cache returns fastsynth's cache folder.
func (w *workspace) cache() string { return filepath.Join(w.dir, "fastsynth") }

// files returns the files of the cache; packs returns its packs.
func (w *workspace) files() (paths []string) {
	for path := range readAll(w.t, w.cache()) {
		paths = append(paths, filepath.Join(w.cache(), path))
	}
	slices.Sort(paths)
	return paths
}

func (w *workspace) packs() []string {
	return slices.DeleteFunc(w.files(), func(path string) bool { return filepath.Ext(path) != ".pack" })
}

// rewrite replaces every file of the cache.
func (w *workspace) rewrite(change func(path string, content []byte) []byte) {
	w.t.Helper()
	for _, path := range w.files() {
		content, err := os.ReadFile(path)
		if err != nil {
			w.t.Fatal(err)
		}
		if err := os.WriteFile(path, change(path, content), 0o644); err != nil {
			w.t.Fatal(err)
		}
	}
}

// A result is the outcome of a synthesis.
type result struct {
	files     map[string]string // by path below the output folder
	stderr    string
	status    int
	peak      int64 // largest resident size of one process, in the kernel's unit
	leftovers []string
}

// synth runs a binary with additional variables, "NAME=value".
func (w *workspace) synth(command []string, env ...string) result {
	w.t.Helper()
	dir, err := os.MkdirTemp(w.dir, "run-")
	if err != nil {
		w.t.Fatal(err)
	}
	temporary := filepath.Join(dir, "tmp")
	if err := os.Mkdir(temporary, 0o755); err != nil {
		w.t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.Command(filepath.Join(binaries, command[0]), command[1:]...)
	cmd.Dir = dir
	cmd.Env = append(append(w.env, "TMPDIR="+temporary), env...)
	cmd.Stderr = &stderr
	peak, _ := runMeasured(w.t, cmd) // the caller checks the status
	return result{
		files:     readAll(w.t, filepath.Join(dir, "cdktf.out")),
		stderr:    withoutRace(stderr.String()),
		status:    cmd.ProcessState.ExitCode(),
		peak:      peak,
		leftovers: list(w.t, temporary),
	}
}

// withoutRace removes what jsii sometimes prints when it closes a process, because it waits
// for it twice. It ends without a line break.
func withoutRace(stderr string) string {
	return strings.ReplaceAll(stderr, "Runtime process exited abnormally: waitid: no child processes", "")
}

func (w *workspace) stock(command []string, env ...string) result {
	w.t.Helper()
	return w.synth(command, append(env, "PORTFOLIO_SYNTH=stock")...)
}

func readAll(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, dir)] = string(content)
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return files
}

func list(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// checkSame fails unless the fast synthesis wrote what the stock one did, printed what
// is expected and left no temporary files.
func checkSame(t *testing.T, got, want result, stderr string) {
	t.Helper()
	if want.status != 0 || len(want.files) == 0 {
		t.Fatalf("stock: status %d, %d files, stderr:\n%s", want.status, len(want.files), want.stderr)
	}
	if got.status != 0 {
		t.Errorf("status = %d, want 0; stderr:\n%s", got.status, got.stderr)
	}
	if got.stderr != stderr {
		t.Errorf("stderr = %q, want %q", got.stderr, stderr)
	}
	if len(got.files) != len(want.files) {
		t.Errorf("wrote %d files, want %d", len(got.files), len(want.files))
	}
	for name, content := range want.files {
		if got.files[name] != content {
			t.Errorf("%s differs from the stock one (%d and %d bytes)", name, len(got.files[name]), len(content))
		}
	}
	if len(got.leftovers) != 0 {
		t.Errorf("left %v in the temporary folder", got.leftovers)
	}
}

// checkFast fails unless the synthesis used a fraction of the stock one's memory. Time
// is not checked: it depends on the machine's other load.
func checkFast(t *testing.T, got, stock result) {
	t.Helper()
	if got.peak*4 > stock.peak {
		t.Errorf("peak memory = %d, want under a quarter of the stock %d", got.peak, stock.peak)
	}
}
