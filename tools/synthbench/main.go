// Command synthbench measures the time and memory of a synthesis, with fastsynth and
// without, and writes its section of docs/performance.md. It takes 15 minutes on two
// cores and needs an otherwise idle machine. Run it from the top of the repository,
// on Linux.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"portfolio/tools/section"
)

// runs is how many times each subject is measured; the report shows medians.
const runs = 5

var profiles = []string{"standard", "preview", "production"}

// copies are the numbers of platforms in the growing stack.
var copies = []int{1, 5, 20}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "synthbench:", err)
		os.Exit(1)
	}
}

func run() error {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{dir: dir}
	if err := b.prepare(); err != nil {
		return err
	}
	r := report{date: time.Now(), machine: describeMachine()}
	for _, profile := range profiles {
		medians, err := b.alternate(b.platform(profile))
		if err != nil {
			return err
		}
		r.platform = append(r.platform, medians)
	}
	for _, n := range copies {
		medians, err := b.alternate(b.copies(n))
		if err != nil {
			return err
		}
		resources, err := countResources(filepath.Join(b.output(), "stacks", "copies", "cdk.tf.json"))
		if err != nil {
			return err
		}
		r.growth = append(r.growth, growth{copies: n, resources: resources, stock: medians[0], fast: medians[1]})
	}
	text := r.markdown()
	fmt.Print(text)
	return section.Write(filepath.Join("docs", "performance.md"), text)
}

// A bench works in a temporary folder with two caches of fastsynth: one stays warm, the
// other is removed before each cold run. The package cache is the user's.
type bench struct{ dir string }

func (b *bench) binary(name string) string { return filepath.Join(b.dir, name) }
func (b *bench) output() string            { return filepath.Join(b.dir, "out") }
func (b *bench) packages(cache string) string {
	return filepath.Join(b.dir, cache, "package-cache")
}

func (b *bench) prepare() error {
	home, err := os.UserHomeDir()
	if err != nil {
		return err
	}
	packages := filepath.Join(home, ".cache", "aws", "jsii", "package-cache")
	for _, cache := range []string{"warm", "cold"} {
		if err := os.MkdirAll(filepath.Join(b.dir, cache), 0o755); err != nil {
			return err
		}
		if err := os.Symlink(packages, b.packages(cache)); err != nil {
			return err
		}
	}
	build := exec.Command("go", "build", "-o", b.dir+"/", ".", "./tools/synthbench/copies")
	_, err = measure(build)
	return err
}

// A subject is one way to synthesize.
type subject struct {
	name    string
	command []string
	env     []string
	cold    bool
}

func (b *bench) platform(profile string) []subject {
	binary := []string{b.binary("portfolio")}
	goRun := []string{"go", "run", "."}
	cli := []string{"npx", "cdktf", "synth", "--output", b.output()}
	stockCLI := "PORTFOLIO_CLI=stock"
	// Production requires a certificate; the other profiles accept one.
	fast := []string{
		"PORTFOLIO_PROFILE=" + profile,
		"CERTIFICATE_ARN=arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012",
	}
	stock := append(slices.Clone(fast), "PORTFOLIO_SYNTH=stock")
	return []subject{
		{name: "built binary, stock", command: binary, env: stock},
		{name: "built binary, fast", command: binary, env: fast},
		{name: "built binary, fast, cold cache", command: binary, env: fast, cold: true},
		{name: "`go run .`, stock", command: goRun, env: stock},
		{name: "`go run .`, fast", command: goRun, env: fast},
		{name: "`npx cdktf synth`, stock", command: cli, env: append(slices.Clone(stock), stockCLI)},
		{name: "`npx cdktf synth`, fast except for the CLI", command: cli, env: append(slices.Clone(fast), stockCLI)},
		{name: "`npx cdktf synth`, fast", command: cli, env: fast},
	}
}

func (b *bench) copies(n int) []subject {
	command := []string{b.binary("copies"), strconv.Itoa(n)}
	return []subject{
		{name: "stock", command: command, env: []string{"PORTFOLIO_SYNTH=stock"}},
		{name: "fast", command: command},
	}
}

// alternate measures the subjects in turn, so that other load on the machine affects
// all of them, and returns the median of each.
func (b *bench) alternate(subjects []subject) ([]measurement, error) {
	all := make([][]measurement, len(subjects))
	for i := range runs + 1 {
		for j, s := range subjects {
			m, err := b.measure(s)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(os.Stderr, "%-40s %6.2f s %5d MB\n", s.name, m.wall.Seconds(), m.peak>>20)
			if i > 0 { // the first fills every cache
				all[j] = append(all[j], m)
			}
		}
	}
	medians := make([]measurement, len(subjects))
	for i, some := range all {
		medians[i] = median(some)
	}
	return medians, nil
}

func (b *bench) measure(s subject) (measurement, error) {
	cache := "warm"
	if s.cold {
		cache = "cold"
		if err := os.RemoveAll(filepath.Join(b.dir, cache, "fastsynth")); err != nil {
			return measurement{}, err
		}
	}
	cmd := exec.Command(s.command[0], s.command[1:]...)
	cmd.Env = append(os.Environ(),
		"JSII_RUNTIME_PACKAGE_CACHE_ROOT="+b.packages(cache), "CDKTF_OUTDIR="+b.output(), "CHECKPOINT_DISABLE=1")
	cmd.Env = append(cmd.Env, s.env...)
	return measure(cmd)
}

// median returns the median of the times and of the peaks.
func median(some []measurement) measurement {
	var walls []time.Duration
	var peaks []int64
	for _, m := range some {
		walls, peaks = append(walls, m.wall), append(peaks, m.peak)
	}
	slices.Sort(walls)
	slices.Sort(peaks)
	return measurement{walls[len(walls)/2], peaks[len(peaks)/2]}
}

func countResources(path string) (count int, err error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	var stack struct {
		Resource map[string]map[string]any
	}
	err = json.Unmarshal(content, &stack)
	for _, byName := range stack.Resource {
		count += len(byName)
	}
	return count, err
}
