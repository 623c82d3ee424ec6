// Command load measures what load the service sustains. It runs the service with a real
// PostgreSQL and Valkey and a stand-in for API Gateway's @connections. Everything runs on
// this machine. It writes its section of docs/performance.md. Run it from the top of the
// repository, on Linux.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"portfolio/tools/section"
)

const usage = `Usage: load [--help | --print | --quick] [--only PART]

Measures the service under load for about six minutes and writes the results to standard
output and into docs/performance.md. With --print it writes them to standard output only.
--quick implies --print; it takes a second and shows little about performance.
--only measures one part, such as valuation, and implies --print.
Exit status 2: invalid arguments; 1: any other error.
`

// sizes is the amount of everything.
type sizes struct {
	holdings  int // of the portfolio that is valued, and its transactions
	few, many int // stored transactions
	samples   int // calls of each kind, with few and with many
	clients   int // concurrent clients that request valuations
	valuing   time.Duration
	conns     int // each subscribed to its own portfolio
	refusing  int // connections that answer 410, and again as many that answer 429
	symbols   int // each of those portfolios has one of them
	updates   int // quotes per second
	pushing   time.Duration
	pushRate  int // posts per second that the service may make
	histories int // calls of each kind
	shorter   int // times shorter are the periods of histories, and fewer are the entries
	changes   int // of each kind
	crowd     int // clients at once, many more than can be served
	pressing  time.Duration
}

var full = sizes{
	holdings: 100, few: 1_000, many: 1_000_000, samples: 400,
	clients: 16, valuing: 20 * time.Second,
	conns: 10_000, refusing: 50, symbols: 100, updates: 50, pushing: 20 * time.Second, pushRate: 10_000,
	histories: 9, shorter: 1, changes: 40, crowd: 600, pressing: 10 * time.Second,
}

// quick measures everything, in small amounts.
var quick = sizes{
	holdings: 8, few: 16, many: 160, samples: 3, clients: 2, valuing: 100 * time.Millisecond,
	conns: 20, refusing: 1, symbols: 5, updates: 50, pushing: 300 * time.Millisecond, pushRate: 1000,
	histories: 1, shorter: 73, changes: 2, crowd: 4, pressing: 100 * time.Millisecond,
}

var errArguments = errors.New("arguments")

func main() {
	if runYardstick() {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := run(ctx, os.Args[1:], full, os.Stdout, os.Stderr)
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, err)
	if errors.Is(err, errArguments) {
		os.Exit(2)
	}
	os.Exit(1)
}

func run(ctx context.Context, args []string, z sizes, stdout, progress io.Writer) error {
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run returns the error
	printed := flags.Bool("print", false, "")
	fast := flags.Bool("quick", false, "")
	only := flags.String("only", "", "")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		_, err = io.WriteString(stdout, usage)
		return err
	case err != nil:
		return fmt.Errorf("%w: %w; see load --help", errArguments, err)
	case flags.NArg() > 0:
		return fmt.Errorf("%w: got %s, want none; see load --help", errArguments, flags.Arg(0))
	}
	if *fast {
		z, *printed = quick, true
	}
	chosen := parts
	if *only != "" {
		chosen, *printed = named(*only), true
		if len(chosen) == 0 {
			return fmt.Errorf("%w: --only: got %s, want one of %s", errArguments, *only, partNames())
		}
	}
	r, err := measure(ctx, z, chosen, progress)
	if err != nil {
		return err
	}
	text := r.markdown()
	if _, err := io.WriteString(stdout, text); err != nil || *printed {
		return err
	}
	return section.Write(filepath.Join("docs", "performance.md"), text)
}

// part is something that is measured with a process of the service of its own. It
// stores what it needs, and does not depend on other parts.
type part struct {
	name string
	do   func(context.Context, *world, *report) error
}

// parts are in this order because stored transactions accumulate.
var parts = []part{
	{"growth", growth}, {"valuation", valuations}, {"history", histories}, {"answers", answers},
	{"derivation", derivations}, {"changes", changes}, {"overload", overloads}, {"push", pushes},
}

func named(name string) []part {
	return slices.DeleteFunc(slices.Clone(parts), func(p part) bool { return p.name != name })
}

func partNames() string {
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	return strings.Join(names, ", ")
}

// measure measures parts on one set of servers.
func measure(ctx context.Context, z sizes, chosen []part, progress io.Writer) (r report, err error) {
	say := func(format string, a ...any) {
		fmt.Fprintf(progress, time.Now().Format("15:04:05 ")+format+"\n", a...)
	}
	r = report{date: time.Now(), machine: describeMachine()}
	say("start PostgreSQL and Valkey, build the service")
	w, err := newWorld(ctx, z)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, w.close(context.WithoutCancel(ctx))) }()
	for _, p := range chosen {
		say("measure %s", p.name)
		if err := p.do(ctx, w, &r); err != nil {
			return r, fmt.Errorf("%s: %w", p.name, err)
		}
	}
	r.loadAfter = loadAverage()
	return r, nil
}
