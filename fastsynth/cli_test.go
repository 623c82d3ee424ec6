package fastsynth_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCLI(t *testing.T) {
	c := newCheckout(t)
	stock := c.synth("PORTFOLIO_CLI=stock")
	c.synth() // whatever was cached before
	written := packs(t)
	fast := c.synth()
	// Others may write the same packs at the same time, but not each time.
	for n := 0; !maps.Equal(packs(t), written); n++ {
		if n == 4 {
			t.Fatal("each run compiles and writes again")
		}
		written = packs(t)
		fast = c.synth()
	}
	c.check(stock, "")
	c.check(fast, "")
	if fast.lastLine != "Generated Terraform code for the stacks: forty" || fast.lastLine != stock.lastLine {
		t.Errorf("last line of stdout = %q, stock %q", fast.lastLine, stock.lastLine)
	}
	if fast.peak*3 > stock.peak*2 {
		t.Errorf("peak memory = %d, want under two thirds of the stock %d", fast.peak, stock.peak)
	}
}

// packs returns when each file of compiled code was written.
func packs(t *testing.T) map[string]time.Time {
	t.Helper()
	found, err := filepath.Glob("../node_modules/.cache/fastsynth/cli/*")
	if err != nil || len(found) == 0 {
		t.Fatal("there is no compiled code", err)
	}
	written := map[string]time.Time{}
	for _, name := range found {
		if info, err := os.Stat(name); err == nil { // it may have been replaced
			written[name] = info.ModTime()
		}
	}
	return written
}

// The edits to the CLI fit one version. Other versions run unchanged.
func TestCLIOfAnotherVersion(t *testing.T) {
	c := newCheckout(t)
	c.replaceCLI(`{"name": "cdktf-cli", "version": "0.20.99"}`)
	c.check(c.synth(), "fastsynth: got cdktf-cli 0.20.99, want 0.20.12; starting cdktf without it\n")
	c.replaceCLI(`{`)
	got := c.synth()
	if !strings.HasSuffix(got.stderr, "; starting cdktf without it\n") {
		t.Errorf("stderr = %q", got.stderr)
	}
	c.check(got, got.stderr)
}

// The command in node_modules still works after a checkout of a revision without
// fastsynth.
func TestCLIWithoutFastsynth(t *testing.T) {
	c := newCheckout(t)
	if err := os.Remove(filepath.Join(c.dir, "fastsynth")); err != nil {
		t.Fatal(err)
	}
	c.check(c.synth(), "")
}

// A checkout contains the command cdktf, where make setup puts it, and the app that
// synthesizes forty types of resources.
type checkout struct {
	t   *testing.T
	dir string
	env []string
}

func newCheckout(t *testing.T) *checkout {
	t.Helper()
	c := &checkout{t, t.TempDir(), newWarmWorkspace(t).env}
	config := fmt.Sprintf(`{"language": "go", "app": %q, "sendCrashReports": "false"}`,
		filepath.Join(binaries, forty[0]))
	command, err := os.ReadFile("cli/cdktf")
	if err != nil {
		t.Fatal(err)
	}
	c.write("cdktf.json", config, 0o644)
	c.write("node_modules/.bin/cdktf", string(command), 0o755)
	c.link("fastsynth", ".")
	c.link("node_modules/cdktf-cli", "../node_modules/cdktf-cli")
	return c
}

// replaceCLI replaces the CLI's package by one with the same program and another
// package.json.
func (c *checkout) replaceCLI(description string) {
	c.t.Helper()
	if err := os.RemoveAll(filepath.Join(c.dir, "node_modules/cdktf-cli")); err != nil {
		c.t.Fatal(err)
	}
	c.write("node_modules/cdktf-cli/package.json", description, 0o644)
	c.link("node_modules/cdktf-cli/bundle", "../node_modules/cdktf-cli/bundle")
}

func (c *checkout) write(name, content string, mode os.FileMode) {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		c.t.Fatal(err)
	}
}

// link creates a symbolic link in the checkout to a path relative to this package.
func (c *checkout) link(name, target string) {
	c.t.Helper()
	target, err := filepath.Abs(target)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := os.Symlink(target, filepath.Join(c.dir, name)); err != nil {
		c.t.Fatal(err)
	}
}

type cliResult struct {
	result
	lastLine string // of standard output; how many lines precede it depends on time
}

// synth runs cdktf synth. It reads the output and removes it.
func (c *checkout) synth(env ...string) cliResult {
	c.t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(filepath.Join(c.dir, "node_modules/.bin/cdktf"), "synth")
	cmd.Dir, cmd.Env = c.dir, slices.Concat(c.env, env)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	peak, err := runMeasured(c.t, cmd)
	if err != nil {
		c.t.Fatalf("%v: %v\n%s%s", cmd, err, &stdout, &stderr)
	}
	out := filepath.Join(c.dir, "cdktf.out")
	files := readAll(c.t, out)
	if err := os.RemoveAll(out); err != nil {
		c.t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	last := lines[len(lines)-1]
	return cliResult{result{files: files, stderr: withoutRace(stderr.String()), peak: peak}, last}
}

func (c *checkout) check(got cliResult, stderr string) {
	c.t.Helper()
	checkSame(c.t, got.result, stockForty(c.t), stderr)
}
