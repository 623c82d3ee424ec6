package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"portfolio/ops/leftovers"
)

const reapUsage = `ops reap --open 12,15|none|- [--max-age 168h] [--only pr7] [--yes]

Destroys the environments pr<number> whose pull request is not open or which are
older than a limit, proves that nothing of them is left and removes their states.
Without --yes it only says what it would do, and why.

  --open          numbers of the open pull requests, "none" when there is none, "-"
                  to read either from standard input; nothing at all is refused, so
                  that a failed listing never means all of them
  --max-age       destroys open ones, too, that are older
  --only          looks at this environment alone
  --lock-timeout  how long to wait for a state that somebody works on (5m)
  --yes           destroys

Exit status: 0 all is well, 1 one could not be destroyed or something is left of
it, 2 called wrongly.`

var (
	// previewSuffix is the form of what may be reaped, and of nothing else.
	previewSuffix = regexp.MustCompile(`^pr[1-9][0-9]{0,9}$`)
	pullRequest   = regexp.MustCompile(`^[1-9][0-9]{0,9}$`)
)

// wish is what reap is asked for.
type wish struct {
	open        map[string]bool // suffixes of open pull requests
	maxAge      time.Duration   // 0: no limit
	only        string          // a suffix; empty: all
	lockTimeout time.Duration
	yes         bool
}

// reap is the command: it destroys what pull requests left behind.
func reap(ctx context.Context, s session, args []string) error {
	w, help, err := s.wish(args)
	if help || err != nil {
		return err
	}
	c, bucket, err := s.states(ctx)
	if err != nil {
		return err
	}
	all, err := bucket.list(ctx)
	if err != nil {
		return err
	}
	r := reaper{
		states: bucket, terraform: cli{s.environ, s.root, s.out}, region: c.Region, out: s.out,
		find: func(ctx context.Context, region, suffix string) ([]string, error) {
			sdk, err := s.aws(ctx, region)
			if err != nil {
				return nil, err
			}
			return leftovers.Find(ctx, sdk, suffix)
		},
		tries: 12, every: 15 * time.Second,
	}
	return r.run(ctx, w, all, time.Now())
}

// wish reads the arguments.
func (s session) wish(args []string) (w wish, help bool, err error) {
	flags := flag.NewFlagSet("reap", flag.ContinueOnError)
	open := flags.String("open", "", "")
	flags.DurationVar(&w.maxAge, "max-age", 0, "")
	flags.StringVar(&w.only, "only", "", "")
	flags.DurationVar(&w.lockTimeout, "lock-timeout", 5*time.Minute, "")
	flags.BoolVar(&w.yes, "yes", false, "")
	if help, err := s.parse(flags, args, reapUsage); help || err != nil {
		return w, help, err
	}
	flags.Visit(func(f *flag.Flag) {
		switch {
		case f.Name == "max-age" && w.maxAge <= 0:
			err = fmt.Errorf("%w: --max-age: got %s, want more than 0", errUsage, f.Value)
		case f.Name == "lock-timeout" && w.lockTimeout < 0:
			err = fmt.Errorf("%w: --lock-timeout: got %s, want 0s or more", errUsage, f.Value)
		case f.Name == "only" && !previewSuffix.MatchString(w.only):
			err = fmt.Errorf("%w: --only: got %q, want pr<number>", errUsage, w.only)
		}
	})
	if err != nil {
		return w, false, err
	}
	if flags.NArg() > 0 {
		return w, false, fmt.Errorf("%w: reap: got %q, want flags only", errUsage, flags.Arg(0))
	}
	text := *open
	if text == "-" {
		b, err := s.read("-")
		if err != nil {
			return w, false, fmt.Errorf("--open: %w", err)
		}
		text = string(b)
	}
	w.open, err = openSuffixes(text)
	return w, false, err
}

// openSuffixes reads numbers of pull requests between commas or white space.
func openSuffixes(text string) (map[string]bool, error) {
	open := map[string]bool{}
	numbers := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) })
	if len(numbers) == 0 {
		return nil, fmt.Errorf("%w: --open: got nothing, want numbers of pull requests, none or -", errUsage)
	}
	if len(numbers) == 1 && numbers[0] == "none" {
		return open, nil
	}
	for _, number := range numbers {
		if !pullRequest.MatchString(number) {
			return nil, fmt.Errorf("%w: --open: got %q, want numbers of pull requests, none or -", errUsage, number)
		}
		open["pr"+number] = true
	}
	return open, nil
}

// judge says whether an environment is to be destroyed, and why or why not.
func (w wish) judge(e environment, now time.Time) (reap bool, reason string) {
	switch old := now.Sub(e.Created); {
	case !previewSuffix.MatchString(e.Suffix):
		return false, "its suffix is not pr<number>"
	case w.only != "" && w.only != e.Suffix:
		return false, "--only " + w.only
	case !w.open[e.Suffix]:
		return true, "its pull request is not open"
	case w.maxAge > 0 && old > w.maxAge:
		return true, fmt.Sprintf("it is %s old, more than %s", age(old), w.maxAge)
	}
	return false, "its pull request is open"
}

// reaper destroys environments and proves it.
type reaper struct {
	states    states
	terraform terraform
	find      func(ctx context.Context, region, suffix string) ([]string, error) // what is left
	region    string                                                             // where a state names none
	out       io.Writer
	tries     int // of the proof: lists lag behind deletions
	every     time.Duration
}

// run carries out a wish; one environment that fails does not stop the others.
func (r reaper) run(ctx context.Context, w wish, all []environment, now time.Time) error {
	var chosen []environment
	there := false
	for _, e := range all {
		there = there || e.Suffix == w.only
		reap, reason := w.judge(e, now)
		fate := "stays"
		if reap {
			chosen = append(chosen, e)
			fate = "goes"
		}
		fmt.Fprintf(r.out, "%s: %s: %s\n", plain(e.Suffix), fate, reason)
	}
	if w.only != "" && !there {
		fmt.Fprintf(r.out, "%s: has no state; looking for what is left in %s\n", w.only, r.region)
		if !w.open[w.only] { // a state lost too early hides what is left
			if err := r.prove(ctx, r.region, w.only); err != nil {
				return fmt.Errorf("%s: %w", w.only, err)
			}
		}
	}
	if !w.yes {
		fmt.Fprintf(r.out, "Dry run: --yes destroys %d of %d.\n", len(chosen), len(all))
		return nil
	}
	var failed []error
	for _, e := range chosen {
		if err := r.reap(ctx, e, w.lockTimeout); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", e.Suffix, err))
		}
	}
	fmt.Fprintf(r.out, "Destroyed %d of %d.\n", len(chosen)-len(failed), len(chosen))
	return errors.Join(failed...)
}

// reap destroys one environment, proves it, and removes its empty state last: as
// long as something may be left, the next run finds it.
func (r reaper) reap(ctx context.Context, e environment, lockTimeout time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if e.Resources == nil {
		return errors.New(e.Problem)
	}
	if e.Region == "" {
		if !e.empty() {
			return errors.New("its state does not say its region: deploy it once more, or destroy it by hand")
		}
		e.Region = r.region
	}
	if err := r.terraform.destroy(ctx, e, lockTimeout); err != nil {
		return err
	}
	if err := r.prove(ctx, e.Region, e.Suffix); err != nil {
		return err
	}
	if err := r.states.remove(ctx, e); err != nil {
		return err
	}
	fmt.Fprintf(r.out, "%s: destroyed, nothing is left\n", e.Suffix)
	return nil
}

// prove fails with a list where something is left for longer than lists lag.
func (r reaper) prove(ctx context.Context, region, suffix string) error {
	for try := 1; ; try++ {
		left, err := r.find(ctx, region, suffix)
		if err != nil {
			return fmt.Errorf("it is not proved that nothing is left: %w", err)
		}
		if len(left) == 0 {
			return nil
		}
		if try >= r.tries {
			return fmt.Errorf("left in %s: %d\n  %s", region, len(left), strings.Join(left, "\n  "))
		}
		fmt.Fprintf(r.out, "%s: still listed: %d, asking again in %s (%d of %d)\n", suffix, len(left), r.every, try, r.tries)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(r.every):
		}
	}
}
