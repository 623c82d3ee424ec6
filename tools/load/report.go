package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// What the service is to bear on two cores that it shares with the load.
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
	fmt.Fprintf(&b, `# What the service bears

Measured on %s by `+"`make load`"+`, which wrote this section, on a machine with
%s, at the end %s.
One process of the service, PostgreSQL (with fsync) and Valkey as `+"`make local`"+` runs
them, TLS included, and the load itself share the machine. API Gateway is a stand-in
in the load's process, and posts to it are signed as to the real one. The load average
at the start is that of others, who take from all figures below.

`, r.date.Format("2006-01-02"), r.machine, r.loadAfter)
	b.WriteString("| | wanted | got | |\n|---|---:|---:|---|\n")
	row := func(what, want, got string, ok bool) {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", what, want, got, map[bool]string{true: "met", false: "**missed**"}[ok])
	}
	rate, posts := perSecond(len(r.valued.times), r.valued.took), perSecond(int(r.posts), r.pushing)
	want := float64(r.sizes.updates * r.conns / r.symbols)
	row("valuations a second", fmt.Sprintf("≥ %d", targetRequests), fmt.Sprintf("%.0f", rate), rate >= targetRequests)
	row("valuation, p99", "≤ "+ms(targetRequestP99), ms(r.valued.at(0.99)), r.valued.at(0.99) <= targetRequestP99)
	row("push lag, median", "≤ "+ms(targetLag), ms(r.lags.at(0.5)), r.lags.at(0.5) <= targetLag)
	row("push lag, p99", "≤ "+ms(targetLagP99), ms(r.lags.at(0.99)), r.lags.at(0.99) <= targetLagP99)
	row("posts a second", fmt.Sprintf("%.0f before coalescing", want), fmt.Sprintf("%.0f", posts), posts >= targetPostsPerSec*want)
	cost := func(name string, c comparison) {
		row(name+", processor time", fmt.Sprintf("≤ %.1f times the yardstick", c.most), fmt.Sprintf("%.2f times", c.ratio()), c.ratio() <= c.most)
		row(name+", against the first release", "≤ "+percent(c.share), percent(c.ratio()/c.first), c.ratio()/c.first <= c.share)
	}
	cost("valuation", r.valuationCost())
	cost("post", r.postCosts())
	for _, kind := range r.kinds() {
		ratio := float64(kind.many.at(0.5)) / float64(kind.few.at(0.5))
		row(kind.name+", many to few transactions", fmt.Sprintf("≤ %.1f times", targetGrowth), fmt.Sprintf("%.2f times", ratio), ratio <= targetGrowth)
	}
	fmt.Fprintf(&b, `
**Valuation.** %d clients over HTTP for %s, each with its next request after an answer:
%d holdings in two currencies, an answer of %d KB, all of it %s, %d transactions stored in
all. p50 %s, p99 %s, longest %s. Each costs the
service %s of a processor, and a bare net/http handler that writes the same bytes %s. The
process took at most %d MB.

**Push.** %d connections, each watching a portfolio of its own with one of %d symbols;
%d quotes a second for %s by the feed's HTTP API, each held by %d connections. Of the
connections %d answer 410 and %d answer 429. PUSH_RATE is %d a second. All had their
snapshot %.1f s after the process started. %d quotes were taken and %d posts made; the
lag is from the receipt of a message's oldest quote until the message is there, of %d
messages: p50 %s, p99 %s, longest %s. Each post costs the service %s of a processor, with
all that leads to it, and a bare client that makes the same posts %s. The process took at
most %d MB. Exactly the connections that are gone were forgotten.

`, r.clients, r.valued.took.Round(time.Second), r.holdings, r.answer>>10, r.state, r.stored,
		ms(r.valued.at(0.5)), ms(r.valued.at(0.99)), ms(r.valued.at(1)), ms(r.valued.cost), ms(r.valuedBare.cost), r.valuingPeak>>20,
		r.conns, r.symbols, r.sizes.updates, r.pushing.Round(time.Second), r.conns/r.symbols, r.refusing, r.refusing,
		r.pushRate, r.subscribed.Seconds(), r.updates, r.posts, len(r.lags),
		ms(r.lags.at(0.5)), ms(r.lags.at(0.99)), ms(r.lags.at(1)), ms(r.postCost), ms(r.postCostBare), r.pushingPeak>>20)
	r.writeGrowth(&b)
	return b.String()
}

// comparison is a cost beside that of a yardstick, both in processor time.
type comparison struct {
	cost, yardstick time.Duration
	most            float64 // times the yardstick
	first           float64 // times the yardstick, in the first release measured so
	share           float64 // of that, at most
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
	fmt.Fprintf(b, "**Growth.** One call at a time, %d of each kind, p50 and p99, with transactions stored in all:\n\n| | %d | %d |\n|---|---:|---:|\n",
		r.samples, r.sizes.few, r.stored)
	for _, k := range r.kinds() {
		fmt.Fprintf(b, "| %s | %s, %s | %s, %s |\n", k.name, ms(k.few.at(0.5)), ms(k.few.at(0.99)), ms(k.many.at(0.5)), ms(k.many.at(0.99)))
	}
}

func perSecond(n int, d time.Duration) float64 { return float64(n) / d.Seconds() }
func ms(d time.Duration) string                { return fmt.Sprintf("%.3g ms", float64(d.Microseconds())/1000) }

// describeMachine names what the figures depend on.
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
