package main

import (
	"context"
	"fmt"
	"io"

	"portfolio/config"
	"portfolio/contract/commandline"
	"portfolio/ops/leftovers"

	"github.com/spf13/cobra"
)

func leftoversCommand(s session) *cobra.Command {
	return &cobra.Command{
		Use:   "leftovers",
		Short: "List what AWS has of an environment after its destruction",
		Long: `Lists what AWS has, in the region of the settings, of the environment that they
name: what a destroy should have deleted, what it keeps on purpose with this
profile, and what AWS deletes later. It finds resources by tag and by name,
whatever is in the state.

Exit status: 0 if nothing is left but what is kept, 1 if something is left or
could not be listed, 2 for an invalid command line or invalid settings.`,
		Args: commandline.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.listLeftovers(cmd.Context()) },
	}
}

// listLeftovers writes what AWS has of the environment of the settings.
func (s session) listLeftovers(ctx context.Context) error {
	c, err := s.load()
	if err != nil {
		return err
	}
	sdk, err := s.aws(ctx, c.Region)
	if err != nil {
		return err
	}
	found, err := leftovers.Find(ctx, sdk, c.Names.Suffix, c.Profile)
	if err != nil {
		return fmt.Errorf("whether anything is left is unknown: %w", err)
	}
	return reportLeftovers(s.out, c, found)
}

// reportLeftovers writes what was found, and fails if something is left.
func reportLeftovers(out io.Writer, c config.Config, found leftovers.Resources) error {
	for _, part := range []struct {
		heading   string
		resources []string
	}{{"left", found.Left}, {"kept on purpose", found.Kept}, {"deleted by AWS later", found.Ending}} {
		fmt.Fprintf(out, "%s: %d\n", part.heading, len(part.resources))
		for _, resource := range part.resources {
			fmt.Fprintln(out, "  "+plain(resource))
		}
	}
	if n := len(found.Left); n > 0 {
		return fmt.Errorf("%s: resources left in %s: got %d, want none", c.Names.Suffix, c.Region, n)
	}
	return nil
}
