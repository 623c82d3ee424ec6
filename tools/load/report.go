package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// What the service should sustain on two cores that it shares with the load.
const (
	targetRequests    = 2000 // a second
	targetRequestP99  = 20 * time.Millisecond
	targetLag         = 50 * time.Millisecond
	targetLagP99      = 250 * time.Millisecond
	targetGrowth      = 1.2 // times
	targetPostsPerSec = 0.95
)

type report struct {
	sizes
	date      time.Time
	machine   string
	loadAfter string

	few, many latencies
	stored    int // transactions

	valued      pressed
	valuedBare  pressed
	answer      int // bytes
	state       string
	valuingPeak int64

	subscribed  time.Duration
	lags        times
	updates     int64
	posts       int64
	pushing     time.Duration
	malformed   int
	pushingPeak int64

	postCost, postCostBare time.Duration // processor time of one post
}

func (r report) markdown() string {
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
	row := func(what, target, measured string, ok bool) {
		verdict := map[bool]string{true: "met", false: "**missed**"}[ok]
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", what, target, measured, verdict)
	}
	rate, posts := perSecond(len(r.valued.times), r.valued.took), perSecond(int(r.posts), r.pushing)
	want := float64(r.sizes.updates * r.conns / r.symbols)
	atMost := func(what string, target, measured time.Duration) {
		row(what, "≤ "+ms(target), ms(measured), measured <= target)
	}
	row("valuations per second", fmt.Sprintf("≥ %d", targetRequests), fmt.Sprintf("%.0f", rate), rate >= targetRequests)
	atMost("valuation, p99", targetRequestP99, r.valued.at(0.99))
	atMost("push lag, median", targetLag, r.lags.at(0.5))
	atMost("push lag, p99", targetLagP99, r.lags.at(0.99))
	row("posts per second", fmt.Sprintf("%.0f before coalescing", want), fmt.Sprintf("%.0f", posts),
		posts >= targetPostsPerSec*want)
	cost := func(name string, c comparison) {
		ratio, share := c.ratio(), c.ratio()/c.first
		row(name+", processor time", fmt.Sprintf("≤ %.1f times the yardstick", c.most),
			fmt.Sprintf("%.2f times", ratio), ratio <= c.most)
		row(name+", compared with the first release", "≤ "+percent(c.share), percent(share), share <= c.share)
	}
	cost("valuation", r.valuationCost())
	cost("post", r.postCosts())
	for _, kind := range r.kinds() {
		ratio := float64(kind.many.at(0.5)) / float64(kind.few.at(0.5))
		row(kind.name+", many to few transactions", fmt.Sprintf("≤ %.1f times", targetGrowth),
			fmt.Sprintf("%.2f times", ratio), ratio <= targetGrowth)
	}
	fmt.Fprintf(&b, `
**Valuation.** %d clients request a valuation over HTTP for %s, each again as soon as it is
answered: %d holdings in two currencies, answers of %d KB, all of them %s, %d transactions
stored. p50 %s, p99 %s, maximum %s. A request costs the service %s of processor time, and a
bare net/http handler that writes the same bytes %s. The process used at most %d MB.

**Push.** %d connections each watch their own portfolio with one of %d symbols; %d quotes
per second arrive for %s over the HTTP API, each for a symbol that %d connections watch. %d
of the connections answer 410 and %d answer 429. PUSH_RATE is %d per second. All snapshots
had arrived %.1f s after the process started. %d quotes were accepted and %d posts made. The
lag, from the receipt of a message's oldest quote to the arrival of the message, over %d
messages: p50 %s, p99 %s, maximum %s. A post, with all the work that leads to it, costs the
service %s of processor time, and a bare client that makes the same posts %s. The process
used at most %d MB. Exactly the connections that are gone were removed.

`, r.clients, r.valued.took.Round(time.Second), r.holdings, r.answer>>10, r.state, r.stored,
		ms(r.valued.at(0.5)), ms(r.valued.at(0.99)), ms(r.valued.at(1)),
		ms(r.valued.cost), ms(r.valuedBare.cost), r.valuingPeak>>20,
		r.conns, r.symbols, r.sizes.updates, r.pushing.Round(time.Second), r.conns/r.symbols, r.refusing, r.refusing,
		r.pushRate, r.subscribed.Seconds(), r.updates, r.posts, len(r.lags),
		ms(r.lags.at(0.5)), ms(r.lags.at(0.99)), ms(r.lags.at(1)),
		ms(r.postCost), ms(r.postCostBare), r.pushingPeak>>20)
	r.writeGrowth(&b)
	return b.String()
}

// comparison is a cost beside that of a yardstick, both in processor time.
type comparison struct {
	cost, yardstick time.Duration
	most            float64 // times the yardstick
	first           float64 // times the yardstick, in the first release that was measured this way
	share           float64 // the greatest part of first that is acceptable
}

func (c comparison) ratio() float64 { return float64(c.cost) / float64(max(c.yardstick, 1)) }

func (r report) valuationCost() comparison {
	return comparison{r.valued.cost, r.valuedBare.cost, 2.5, 24.7, 0.6}
}

func (r report) postCosts() comparison {
	return comparison{r.postCost, r.postCostBare, 2, 3.97, 0.5}
}

func percent(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }

type kind struct {
	name      string
	few, many times
}

func (r report) kinds() []kind {
	return []kind{
		{"list of 50 transactions", r.few.list, r.many.list},
		{"valuation", r.few.valuation, r.many.valuation},
		{"valuation after a change", r.few.reload, r.many.reload},
	}
}

func (r report) writeGrowth(b *strings.Builder) {
	fmt.Fprintf(b, "**Growth.** One call at a time, %d of each kind, p50 and p99, by the number of stored transactions:\n\n"+
		"| | %d | %d |\n|---|---:|---:|\n", r.samples, r.sizes.few, r.stored)
	both := func(t times) string { return ms(t.at(0.5)) + ", " + ms(t.at(0.99)) }
	for _, k := range r.kinds() {
		fmt.Fprintf(b, "| %s | %s | %s |\n", k.name, both(k.few), both(k.many))
	}
}

func perSecond(n int, d time.Duration) float64 { return float64(n) / d.Seconds() }
func ms(d time.Duration) string                { return fmt.Sprintf("%.3g ms", float64(d.Microseconds())/1000) }

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
