package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"portfolio/config"
	"portfolio/contract/commandline"
	"portfolio/ops/github"
	"portfolio/ops/leftovers"

	"github.com/spf13/cobra"
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
		Short: "Destroy environments of closed pull requests",
		Long: `Destroys the environments pr<number> whose pull request is not open or which are
older than a limit, verifies that nothing of them is left and removes their
states. Without --yes it only says what it would do, and why. Several are
destroyed at once.

With --open github it asks GitHub for the open pull requests, once more before
each destroy, and removes locks that finished workflow runs left behind.

Exit status: 0 for success, 1 if an environment could not be destroyed or
something is left of it, 2 for an invalid command line or invalid settings.`,
		Example: `  ops reap --open 12,15
  ops reap --open github --label deploy-preview --yes`,
		Args: commandline.NoArguments,
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
	flags.StringVar(&open, "open", "", "`LIST` of the numbers of open pull requests, \"none\" if there are none, "+
		"\"-\" to read either from standard input, \"github\" to ask GitHub; an empty value is refused, "+
		"so that a failed listing never means all of them")
	flags.StringVar(&label, "label", "", "with --open github: `NAME` of the label that keeps an environment")
	flags.DurationVar(&r.maxAge, "max-age", 0, "also destroy open ones that are older")
	flags.StringVar(&r.only, "only", "", "look only at this environment: `pr<number>`")
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
			found, err := leftovers.Find(ctx, sdk, suffix, config.Preview())
			return found.Left, err
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

// openSuffixes reads numbers of pull requests separated by commas or white space.
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
