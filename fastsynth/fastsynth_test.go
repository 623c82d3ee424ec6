package fastsynth_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"portfolio/fastsynth"

	"github.com/aws/jsii-runtime-go"
)

func TestPlatform(t *testing.T) {
	w := newWarmWorkspace(t)
	for _, profile := range []string{"standard", "preview", "production"} {
		t.Run(profile, func(t *testing.T) {
			env := []string{"PORTFOLIO_PROFILE=" + profile,
				"CERTIFICATE_ARN=arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"}
			stock := w.stock(platform, env...)
			w.synth(platform, env...) // whatever is cached by now
			warm := w.synth(platform, env...)
			checkSame(t, warm, stock, onlyWarnings(stock.stderr))
			checkFast(t, warm, stock)
		})
	}
}

// onlyWarnings returns the app's own lines of standard error.
func onlyWarnings(stderr string) string {
	lines := slices.Collect(strings.Lines(stderr))
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool {
		return !strings.HasPrefix(line, "warning: ")
	}), "")
}

func TestFortyTypes(t *testing.T) {
	stock := stockForty(t)
	types := regexp.MustCompile(`\n    "aws_\w+": \{`)
	if got := len(types.FindAllString(stock.files["/stacks/forty/cdk.tf.json"], -1)); got < 40 {
		t.Fatalf("the stack has %d types, want 40", got)
	}
	warm := newWarmWorkspace(t).synth(forty)
	checkSame(t, warm, stock, "")
	checkFast(t, warm, stock)
}

func TestConcurrentColdRuns(t *testing.T) {
	w := newWarmWorkspace(t)
	for _, got := range coldResults {
		checkSame(t, got, stockForty(t), "")
	}
	for _, name := range w.files() {
		if extension := filepath.Ext(name); extension != ".js" && extension != ".pack" {
			t.Errorf("%s was left in the cache", name)
		}
	}
}

// With a damaged cache the next run writes the same files, and the one after it is fast.
func TestDamagedCache(t *testing.T) {
	stock := stockForty(t)
	for name, damage := range map[string]func(content []byte) []byte{
		"empty":           func([]byte) []byte { return nil },
		"truncated":       func(content []byte) []byte { return content[:len(content)*3/4] },
		"corrupt header":  func(content []byte) []byte { content[30] ^= 1; return content },
		"corrupt content": corruptContent,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWarmWorkspace(t)
			w.rewrite(func(_ string, content []byte) []byte { return damage(content) })
			checkSame(t, w.synth(forty), stock, "")
			repaired := w.synth(forty)
			checkSame(t, repaired, stock, "")
			checkFast(t, repaired, stock)
		})
	}
}

// corruptContent leaves a pack's header as it is, so that the damage is found in the
// middle of a run.
func corruptContent(content []byte) []byte {
	for i := len(content) / 4; i < len(content); i += 1024 {
		content[i] ^= 1
	}
	return content
}

// Packs of other versions are not used, and old ones are removed.
func TestForeignCache(t *testing.T) {
	stock := stockForty(t)
	w := newWarmWorkspace(t)
	packs := w.packs()
	if len(packs) < 4 {
		t.Fatalf("packs = %v, want some of each package", packs)
	}
	contents := map[string][]byte{}
	w.rewrite(func(path string, content []byte) []byte { contents[path] = content; return content })
	for i, path := range packs { // valid packs, each under the name of another
		if err := os.WriteFile(path, contents[packs[(i+1)%len(packs)]], 0o644); err != nil {
			t.Fatal(err)
		}
	}
	foreign := filepath.Join(w.cache(), "0123456789abcdef")
	if err := os.Mkdir(foreign, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, age := range map[string]time.Duration{"old.pack": 31 * 24 * time.Hour, "recent.pack": time.Hour} {
		path := filepath.Join(foreign, name)
		if err := os.WriteFile(path, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	checkSame(t, w.synth(forty), stock, "")
	warm := w.synth(forty)
	checkSame(t, warm, stock, "")
	checkFast(t, warm, stock)
	if got := list(t, foreign); !slices.Equal(got, []string{"recent.pack"}) {
		t.Errorf("packs of another version = %v, want [recent.pack]", got)
	}
}

// A file in place of a folder makes it unwritable, even to root. jsii's cache is next to
// this one, and with HOME=/dev/null neither can be written.
func TestUnwritableCache(t *testing.T) {
	w := newWorkspace(t)
	for _, folder := range []string{w.cache(), filepath.Join(w.dir, "package-cache")} {
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(folder, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := fmt.Sprintf("fastsynth: mkdir %s: not a directory; synthesizing without a cache\n", w.cache())
	checkSame(t, w.synth(forty), stockForty(t), want)
}

func TestSameErrors(t *testing.T) {
	for _, where := range []string{"create", "callback", "synth"} {
		t.Run(where, func(t *testing.T) {
			w := newWarmWorkspace(t)
			command := append(slices.Clone(forty), where)
			got, want := w.synth(command), w.stock(command, silenced)
			if got.status != 1 || want.status != 1 {
				t.Errorf("status = %d, stock %d, want 1", got.status, want.status)
			}
			// The stock path may also print jsii's messages about its own exit.
			if got.stderr == "" || !strings.HasPrefix(want.stderr, got.stderr) {
				t.Errorf("stderr = %q, want %q", got.stderr, want.stderr)
			}
			if len(got.leftovers) != 0 {
				t.Errorf("left %v in the temporary folder", got.leftovers)
			}
		})
	}
}

func TestUnexpectedRuntime(t *testing.T) {
	w := newWorkspace(t)
	node := filepath.Join(w.dir, "node.sh")
	script := "#!/bin/sh\nset -e\nprogram=$(dirname \"$1\")/../lib/program.js\n" +
		"sed 's/readFD: 3,/readFD : 3,/' \"$program\" > \"$program.new\"\nmv \"$program.new\" \"$program\"\nexec node \"$@\"\n"
	if err := os.WriteFile(node, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	got := w.synth(forty, "JSII_NODE="+node)
	want := "fastsynth: the jsii runtime is not shaped as expected at readFD: 3,; synthesizing without it\n"
	if !strings.HasPrefix(got.stderr, want) || strings.Contains(got.stderr, "end-of-life") {
		t.Errorf("stderr = %q, want %q", got.stderr, want)
	}
	got.stderr = ""
	checkSame(t, got, stockForty(t), "")
}

// The user's options are used, and the kernel's children get them without the hook's.
// Code compiled with other options, such as the CLI's, is cached separately.
func TestNodeOptions(t *testing.T) {
	w := newWarmWorkspace(t)
	seen := filepath.Join(w.dir, "seen")
	terraform := filepath.Join(w.dir, "terraform")
	script := "#!/bin/sh\nenv | grep -e ^NODE_OPTIONS= -e ^PORTFOLIO_SYNTH > " + seen + "\necho Terraform v1.12.0\n"
	if err := os.WriteFile(terraform, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	options := "NODE_OPTIONS=--max-semi-space-size=3 --no-warnings"
	got := w.synth(forty, options, "TERRAFORM_BINARY_NAME="+terraform)
	checkSame(t, got, stockForty(t), "")
	if content, err := os.ReadFile(seen); err != nil || string(content) != options+"\n" {
		t.Errorf("the kernel's child saw %q, %v, want %q", content, err, options)
	}
	cached := readAll(t, w.cache())
	w.synth(forty)
	w.synth(forty, options)
	if !maps.Equal(cached, readAll(t, w.cache())) {
		t.Error("runs with different options replace each other's code")
	}
}

func TestEnableKeepsTheEnvironment(t *testing.T) {
	t.Setenv("JSII_RUNTIME_PACKAGE_CACHE_ROOT", filepath.Join(t.TempDir(), "package-cache"))
	before := os.Environ()
	fastsynth.Enable()
	jsii.Close()
	if after := os.Environ(); !slices.Equal(before, after) {
		t.Errorf("environment = %q, want %q", after, before)
	}
}
