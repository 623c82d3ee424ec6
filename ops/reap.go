package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"time"

	"portfolio/ops/github"
	"portfolio/ops/leftovers"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

var (
	// previewSuffix is the form of the only suffixes that may be reaped.
	previewSuffix = regexp.MustCompile(`^pr[1-9][0-9]{0,9}$`)
	pullRequest   = regexp.MustCompile(`^[1-9][0-9]{0,9}$`)
)

// reapRequest is what reap is asked for.
type reapRequest struct {
	open        map[string]bool                                // suffixes of open pull requests
	ask         func(context.Context) (map[string]bool, error) // asks GitHub for them; nil: the list is final
	over        runsOver                                       // nil: locks are left alone
	maxAge      time.Duration                                  // 0: no limit
	only        string                                         // a suffix; empty: all
	lockTimeout time.Duration
	yes         bool
}

func reapCommand(s session) *cobra.Command {
	var r reapRequest
	var open, label string
	cmd := &cobra.Command{
		Use:   "reap --open 12,15|none|-|github",
		Short: "Destroy what pull requests left behind, and prove it",
		Long: `Destroys the environments pr<number> whose pull request is not open or which are
older than a limit, proves that nothing of them is left and removes their states.
Without --yes it only says what it would do, and why. Several are destroyed at once.

With --open github it asks GitHub for the open pull requests, once more before each
destroy, and removes the lock of a run of a workflow that is over.

Exit status: 0 for success, 1 where an environment could not be destroyed or
something is left of it, 2 for a wrong command line or wrong settings.`,
		Example: `  ops reap --open 12,15
  ops reap --open github --label deploy-preview --yes`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err := r.validate(cmd); err != nil {
				return err
			}
			if open == "github" {
				client, err := s.github(cmd)
				if err != nil {
					return err
				}
				r.ask = func(ctx context.Context) (map[string]bool, error) { return openAt(ctx, client, label) }
				r.over = client.RunsOver
				if r.open, err = r.ask(cmd.Context()); err != nil {
					return err
				}
				return s.reap(cmd.Context(), r)
			}
			if open == "-" {
				text, err := s.read("-")
				if err != nil {
					return fmt.Errorf("--open: %w", err)
				}
				open = string(text)
			}
			if r.open, err = openSuffixes(open); err != nil {
				return err
			}
			return s.reap(cmd.Context(), r)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&open, "open", "", `numbers of the open pull requests, "none" when there is none, "-" to read either from
standard input, "github" to ask there; nothing at all is refused, so that a failed listing
never means all of them`)
	flags.StringVar(&label, "label", "", "with --open github: `NAME` of the label that keeps an environment")
	flags.DurationVar(&r.maxAge, "max-age", 0, "destroy open ones, too, that are older")
	flags.StringVar(&r.only, "only", "", "look at this environment alone: pr<number>")
	flags.DurationVar(&r.lockTimeout, "lock-timeout", 5*time.Minute, "how long to wait for a state that is locked")
	flags.BoolVar(&r.yes, "yes", false, "destroy")
	return cmd
}

// validate checks the flags that are set.
func (r reapRequest) validate(cmd *cobra.Command) error {
	set := cmd.Flags().Changed
	switch {
	case set("max-age") && r.maxAge <= 0:
		return misused(cmd, "--max-age: got %s, want more than 0", r.maxAge)
	case set("lock-timeout") && r.lockTimeout < 0:
		return misused(cmd, "--lock-timeout: got %s, want 0s or more", r.lockTimeout)
	case set("only") && !previewSuffix.MatchString(r.only):
		return misused(cmd, "--only: got %q, want pr<number>", r.only)
	}
	return nil
}

// reap destroys what pull requests left behind.
func (s session) reap(ctx context.Context, request reapRequest) error {
	c, bucket, err := s.states(ctx)
	if err != nil {
		return err
	}
	all, err := bucket.list(ctx)
	if err != nil {
		return err
	}
	out := &lockedWriter{out: s.out}
	r := reaper{
		states: bucket, terraform: cli{s.environ, s.root, out}, region: c.Region, out: out,
		find: func(ctx context.Context, region, suffix string) ([]string, error) {
			sdk, err := s.aws(ctx, region)
			if err != nil {
				return nil, err
			}
			return leftovers.Find(ctx, sdk, suffix)
		},
		tries: 12, every: 15 * time.Second,
	}
	return r.run(ctx, request, all, time.Now())
}

// openAt asks GitHub for the open pull requests with a label.
func openAt(ctx context.Context, client *github.Client, label string) (map[string]bool, error) {
	numbers, err := client.OpenPulls(ctx, label)
	if err != nil {
		return nil, err
	}
	open := map[string]bool{}
	for _, number := range numbers {
		open[fmt.Sprintf("pr%d", number)] = true
	}
	return open, nil
}

// openSuffixes reads numbers of pull requests between commas or white space.
func openSuffixes(text string) (map[string]bool, error) {
	open := map[string]bool{}
	numbers := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) })
	if len(numbers) == 0 {
		return nil, usageError{errors.New("--open: got nothing, want numbers of pull requests, none or -")}
	}
	if len(numbers) == 1 && numbers[0] == "none" {
		return open, nil
	}
	for _, number := range numbers {
		if !pullRequest.MatchString(number) {
			return nil, usageError{fmt.Errorf("--open: got %q, want numbers of pull requests, none or -", number)}
		}
		open["pr"+number] = true
	}
	return open, nil
}

// judge decides whether an environment is destroyed, and says why or why not.
func (r reapRequest) judge(e environment, now time.Time) (reap bool, reason string) {
	switch old := now.Sub(e.Created); {
	case !previewSuffix.MatchString(e.Suffix):
		return false, "its suffix is not pr<number>"
	case r.only != "" && r.only != e.Suffix:
		return false, "--only " + r.only
	case !r.open[e.Suffix]:
		return true, "its pull request is not open"
	case r.maxAge > 0 && old > r.maxAge:
		return true, fmt.Sprintf("it is %s old, more than %s", age(old), r.maxAge)
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

// run carries out a request; one environment that fails does not stop the others.
func (r reaper) run(ctx context.Context, request reapRequest, all []environment, now time.Time) error {
	var chosen []environment
	there := false
	for _, e := range all {
		there = there || e.Suffix == request.only
		reap, reason := request.judge(e, now)
		verdict := "stays"
		if reap {
			chosen = append(chosen, e)
			verdict = "goes"
		}
		fmt.Fprintf(r.out, "%s: %s: %s\n", plain(e.Suffix), verdict, reason)
	}
	if request.only != "" && !there {
		fmt.Fprintf(r.out, "%s: has no state; looking for what is left in %s\n", request.only, r.region)
		if !request.open[request.only] { // a state lost too early hides what is left
			if err := r.prove(ctx, r.region, request.only); err != nil {
				return fmt.Errorf("%s: %w", request.only, err)
			}
		}
	}
	if !request.yes {
		fmt.Fprintf(r.out, "Dry run: --yes destroys %d of %d.\n", len(chosen), len(all))
		return nil
	}
	return r.reapAll(ctx, request, chosen, now)
}

// reapedAtOnce is how many environments are destroyed side by side: each takes some 20
// minutes, in which a runner mostly waits.
const reapedAtOnce = 4

// reapAll destroys environments side by side.
func (r reaper) reapAll(ctx context.Context, request reapRequest, chosen []environment, now time.Time) error {
	var all errgroup.Group
	all.SetLimit(reapedAtOnce)
	failed, destroyed := make([]error, len(chosen)), make([]bool, len(chosen))
	for i, e := range chosen {
		all.Go(func() error { // a failure does not stop the others
			var err error
			if destroyed[i], err = r.reap(ctx, request, e, now); err != nil {
				failed[i] = fmt.Errorf("%s: %w", e.Suffix, err)
			}
			return nil
		})
	}
	_ = all.Wait() // none of them returns an error
	count := 0
	for _, done := range destroyed {
		if done {
			count++
		}
	}
	fmt.Fprintf(r.out, "Destroyed %d of %d.\n", count, len(chosen))
	return errors.Join(failed...)
}

// reap destroys one environment, checks that nothing is left and removes its empty
// state last, so that the next run finds what may be left.
func (r reaper) reap(ctx context.Context, request reapRequest, e environment, now time.Time) (destroyed bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if e.Resources == nil {
		return false, errors.New(e.Problem)
	}
	if e.Region == "" {
		if !e.empty() {
			return false, errors.New("its state does not say its region: deploy it once more, or destroy it by hand")
		}
		e.Region = r.region
	}
	if request.ask != nil { // it may have been opened since the run began
		if request.open, err = request.ask(ctx); err != nil {
			return false, err
		}
		if reap, reason := request.judge(e, now); !reap {
			fmt.Fprintf(r.out, "%s: stays: %s\n", e.Suffix, reason)
			return false, nil
		}
	}
	if request.over != nil {
		if err := r.states.unlock(ctx, e.key, request.over, r.out); err != nil {
			return false, err
		}
	}
	if err := r.terraform.destroy(ctx, e, request.lockTimeout); err != nil {
		return false, err
	}
	if err := r.prove(ctx, e.Region, e.Suffix); err != nil {
		return false, err
	}
	if err := r.states.remove(ctx, e); err != nil {
		return false, err
	}
	fmt.Fprintf(r.out, "%s: destroyed, nothing is left\n", e.Suffix)
	return true, nil
}

// lockedWriter writes the lines of environments that are destroyed side by side.
type lockedWriter struct {
	mutex sync.Mutex
	out   io.Writer
}

func (w *lockedWriter) Write(text []byte) (int, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.out.Write(text)
}

// prove fails with a list where something is left for longer than lists lag behind.
func (r reaper) prove(ctx context.Context, region, suffix string) error {
	for try := 1; ; try++ {
		left, err := r.find(ctx, region, suffix)
		if err != nil {
			return fmt.Errorf("it is not certain that nothing is left: %w", err)
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
