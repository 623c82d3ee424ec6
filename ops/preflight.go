package main

import (
	"context"
	"flag"
	"fmt"

	"portfolio/ops/preflight"
)

const preflightUsage = `ops preflight

Looks, before an apply, for what would stop it half-way: credentials, the state
bucket and its lock, names that are taken, secrets pending deletion, the
certificate, quotas. It only reads. One line per finding: got, want, fix.
Settings are those of the deploy; see the README.

Exit status:
  0  nothing stands in the way ("note:" lines do not)
  1  findings, or no credentials
  2  called or set wrongly; AWS was not asked
go run makes 1 of all but 0: where the status counts, go build the program first.`

// preflightCheck is the command: it says what would stop a deploy.
func preflightCheck(ctx context.Context, s session, args []string) error {
	flags := flag.NewFlagSet("preflight", flag.ContinueOnError)
	if help, err := s.parse(flags, args, preflightUsage); help || err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%w: preflight: got %s, want no argument", errUsage, flags.Arg(0))
	}
	settings, err := s.load()
	if err != nil {
		return err
	}
	platform, err := s.aws(ctx, settings.Region)
	if err != nil {
		return err
	}
	state := platform.Copy()
	state.Region = settings.State.Region
	report := preflight.Run(ctx, settings, platform, state)
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("preflight of %s: %w", settings.Names.Stack, cause)
	}
	if report.Account != "" {
		fmt.Fprintf(s.out, "preflight of %s: account %s, %s, %d checks\n", settings.Names.Stack, report.Account, settings.Region, report.Checks)
	}
	for _, f := range report.Findings {
		fmt.Fprintln(s.out, f)
	}
	if faults := report.Faults(); faults > 0 {
		return statusError{exitFailed, fmt.Sprintf("preflight of %s: %d in the way of a deploy", settings.Names.Stack, faults)}
	}
	return nil
}
