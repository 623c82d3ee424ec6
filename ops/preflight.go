package main

import (
	"context"
	"fmt"

	"portfolio/contract/commandline"
	"portfolio/ops/preflight"

	"github.com/spf13/cobra"
)

func preflightCommand(s session) *cobra.Command {
	return &cobra.Command{
		Use:   "preflight",
		Short: "Find what would stop a deploy, before it begins",
		Long: `Looks, before an apply, for what would stop it half-way: credentials, the state
bucket and its lock, settings that would replace the database or the cache,
names that are taken, secrets pending deletion, the certificate, quotas, and
what AWS offers in the region. It only reads. Each finding is one line: got,
want, fix. Settings are those of the deploy; see the README.

Exit status:
  0  nothing stands in the way ("note:" lines do not)
  1  findings, or no credentials
  2  invalid command line or settings; AWS was not asked`,
		Args: commandline.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.preflight(cmd.Context()) },
	}
}

// preflight writes what would stop a deploy.
func (s session) preflight(ctx context.Context) error {
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
		fmt.Fprintf(s.out, "preflight of %s: account %s, %s, %d checks\n", settings.Names.Stack, report.Account,
			settings.Region, report.Checks)
	}
	for _, f := range report.Findings {
		fmt.Fprintln(s.out, f)
	}
	if faults := report.Faults(); faults > 0 {
		return statusError{exitFailed, fmt.Sprintf("preflight of %s: findings that would stop a deploy: %d",
			settings.Names.Stack, faults)}
	}
	return nil
}
