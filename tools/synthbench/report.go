package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// The platform's limits with a warm cache, on two cores.
const (
	targetWall   = 700 * time.Millisecond
	targetPeak   = 150 << 20
	targetFactor = 6

	targetCLI = 2500 * time.Millisecond // npx cdktf synth
)

type report struct {
	date     time.Time
	machine  string
	platform [][]measurement // by profile, then by subject
	growth   []growth
}

type growth struct {
	copies, resources int
	stock, fast       measurement
}

// perResource returns the time of each additional resource, from the smallest stack to
// the largest.
func perResource(all []growth, of func(growth) measurement) time.Duration {
	first, last := all[0], all[len(all)-1]
	return (of(last).wall - of(first).wall) / time.Duration(last.resources-first.resources)
}

func (r report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# How long synthesis takes

Measured on %s by `+"`make bench`"+`, which wrote this section, on a machine with
%s.

Each figure is the median of %d runs; the variants run in turn. Time is wall time. Memory
is the largest sum of the resident sets of all processes of a run, sampled every %d ms;
pages that processes share are counted in each. "Stock" means `+"`PORTFOLIO_SYNTH=stock`"+`,
and for the CLI also `+"`PORTFOLIO_CLI=stock`"+`. With a cold cache that of fastsynth is empty;
jsii's package cache is always warm. The figures of `+"`go run`"+` and of the CLI include their
own time and memory.

## The platform

`, r.date.Format("2006-01-02"), r.machine, runs, sampling.Milliseconds())
	r.writePlatform(&b)
	r.writeTargets(&b)
	r.writeGrowth(&b)
	return b.String()
}

func (r report) writePlatform(b *strings.Builder) {
	fmt.Fprintf(b, "| | %s |\n|---|%s\n", strings.Join(profiles, " | "), strings.Repeat("---:|", len(profiles)))
	for i, s := range (&bench{}).platform("") {
		fmt.Fprintf(b, "| %s |", s.name)
		for _, medians := range r.platform {
			fmt.Fprintf(b, " %s |", medians[i])
		}
		b.WriteString("\n")
	}
}

func (r report) writeTargets(b *strings.Builder) {
	stock, fast, cold := r.platform[0][0], r.platform[0][1], r.platform[0][2]
	factor := float64(stock.wall) / float64(fast.wall)
	b.WriteString("\nThe built binary with the standard profile:\n\n| | target | measured | |\n|---|---:|---:|---|\n")
	row := func(what, target, measured string, ok bool) {
		verdict := map[bool]string{true: "met", false: "**missed**"}[ok]
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", what, target, measured, verdict)
	}
	row("time, warm", "≤ "+seconds(targetWall), seconds(fast.wall), fast.wall <= targetWall)
	row("memory, warm", "≤ "+megabytes(targetPeak), megabytes(fast.peak), fast.peak <= targetPeak)
	row("times faster than stock", fmt.Sprintf("≥ %d", targetFactor), fmt.Sprintf("%.1f", factor), factor >= targetFactor)
	cli := r.platform[0][len(r.platform[0])-1]
	row("time, `npx cdktf synth`", "≤ "+seconds(targetCLI), seconds(cli.wall), cli.wall <= targetCLI)
	row("time, cold", "≤ "+seconds(stock.wall), seconds(cold.wall), cold.wall <= stock.wall)
	stockSlope := perResource(r.growth, func(g growth) measurement { return g.stock })
	fastSlope := perResource(r.growth, func(g growth) measurement { return g.fast })
	row("time per additional resource", "≤ "+milliseconds(stockSlope), milliseconds(fastSlope), fastSlope <= stockSlope)
}

func (r report) writeGrowth(b *strings.Builder) {
	b.WriteString("\n## Growth\n\nThe platform's constructs several times in one stack; built binary, warm cache:\n\n" +
		"| platforms | resources | stock | fast |\n|---:|---:|---:|---:|\n")
	for _, g := range r.growth {
		fmt.Fprintf(b, "| %d | %d | %s | %s |\n", g.copies, g.resources, g.stock, g.fast)
	}
}

func (m measurement) String() string {
	return seconds(m.wall) + ", " + megabytes(m.peak)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1000)
}
func megabytes(bytes int64) string { return fmt.Sprintf("%d MB", bytes>>20) }

// describeMachine returns what the figures depend on.
func describeMachine() string {
	node, _ := exec.Command("node", "--version").Output()
	load, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(load), " ")
	return fmt.Sprintf("%d cores, %s of memory, Linux on %s, %s, Node %s, load average at the start %s",
		runtime.NumCPU(), memory(), runtime.GOARCH, runtime.Version(), strings.TrimSpace(string(node)), first)
}

func memory() string {
	content, _ := os.ReadFile("/proc/meminfo")
	var kilobytes int64
	if _, err := fmt.Sscanf(string(content), "MemTotal: %d kB", &kilobytes); err != nil {
		return "unknown size"
	}
	return fmt.Sprintf("%.0f GB", float64(kilobytes)/(1<<20))
}
