package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// report is what the parts have measured.
type report struct {
	date      time.Time
	machine   string
	loadAfter string
	rows      []row
	text      []string // paragraphs
}

// row compares a figure with its target.
type row struct {
	what, target, measured string
	ok                     bool
}

func (r *report) add(what, target, measured string, ok bool) {
	r.rows = append(r.rows, row{what, target, measured, ok})
}

// atMost adds a row with a limit to a time.
func (r *report) atMost(what string, target, measured time.Duration) {
	r.add(what, "≤ "+ms(target), ms(measured), measured <= target)
}

// times adds a row with a limit to a quotient of two times.
func (r *report) times(what string, most float64, measured, of time.Duration) {
	ratio := float64(measured) / float64(max(of, 1))
	r.add(what, fmt.Sprintf("≤ %.3g times", most), fmt.Sprintf("%.2f times", ratio), ratio <= most)
}

// note adds a paragraph.
func (r *report) note(format string, a ...any) { r.text = append(r.text, fmt.Sprintf(format, a...)) }

func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# What load the service sustains

Measured on %s by `+"`make load`"+`, which wrote this section, on a machine with
%s, at the end %s.
One process of the service, PostgreSQL (with fsync) and Valkey as `+"`make local`"+` runs
them, including TLS, and the load generator share the machine. API Gateway is a stand-in
in the load generator's process; posts to it are signed as for the real one. The load
average at the start is that of other programs, which make all figures below worse.

`, r.date.Format("2006-01-02"), r.machine, r.loadAfter)
	b.WriteString("| | target | measured | |\n|---|---:|---:|---|\n")
	for _, row := range r.rows {
		verdict := map[bool]string{true: "met", false: "**missed**"}[row.ok]
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", row.what, row.target, row.measured, verdict)
	}
	for _, text := range r.text {
		b.WriteString("\n" + text + "\n")
	}
	return b.String()
}

// comparison compares a cost with that of a yardstick, both in processor time.
type comparison struct {
	cost, yardstick time.Duration
	most            float64 // times the yardstick
	first           float64 // times the yardstick, in the first release that was measured this way
	share           float64 // the greatest part of first that is acceptable
}

// compare adds the rows of a comparison.
func (r *report) compare(name string, c comparison) {
	ratio := float64(c.cost) / float64(max(c.yardstick, 1))
	r.add(name+", processor time", fmt.Sprintf("≤ %.1f times the yardstick", c.most),
		fmt.Sprintf("%.2f times", ratio), ratio <= c.most)
	share := ratio / c.first
	r.add(name+", compared with the first release", "≤ "+percent(c.share), percent(share), share <= c.share)
}

func percent(share float64) string             { return fmt.Sprintf("%.0f %%", 100*share) }
func perSecond(n int, d time.Duration) float64 { return float64(n) / d.Seconds() }

// ms returns a time in milliseconds, or in seconds from one second on.
func ms(d time.Duration) string {
	if d >= time.Second {
		return fmt.Sprintf("%.3g s", d.Seconds())
	}
	return fmt.Sprintf("%.3g ms", float64(d.Microseconds())/1000)
}

// describeMachine returns what the figures depend on.
func describeMachine() string {
	content, _ := os.ReadFile("/proc/meminfo")
	var kilobytes float64
	size := "unknown size"
	if _, err := fmt.Sscanf(string(content), "MemTotal: %f kB", &kilobytes); err == nil {
		size = fmt.Sprintf("%.0f GB", kilobytes/(1<<20))
	}
	return fmt.Sprintf("%d cores, %s of memory, Linux on %s, %s, load average at the start %s",
		runtime.NumCPU(), size, runtime.GOARCH, runtime.Version(), loadAverage())
}

func loadAverage() string {
	content, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(content), " ")
	return first
}
