package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// newRoot returns the command line of the program.
func newRoot(s session) *cobra.Command {
	root := &cobra.Command{
		Use:   "ops",
		Short: "Operate the platform's environments",
		Long: `Operates the platform's environments. Runs in the repository's top folder and
reads the settings of the app that deploys (see the README).

Exit status: 0 for success, 1 for failure, 2 for an invalid command line or
invalid settings; the help of a command lists its own. go run turns every status
but 0 into 1: where the status matters, run make build/ops and call build/ops.`,
	}
	root.AddCommand(
		awaitRefreshCommand(s), driftCommand(s), ejectCommand(s), environmentsCommand(s), githubCommand(s),
		leftoversCommand(s), outputsCommand(s), planCommand(s), preflightCommand(s), reapCommand(s),
	)
	root.SetIn(s.in)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return misused(cmd, "%w", err)
	})
	return root
}

// misused returns an error that names the command and points to its help.
func misused(cmd *cobra.Command, format string, values ...any) error {
	path := cmd.CommandPath()
	name := strings.TrimPrefix(strings.TrimPrefix(path, cmd.Root().Name()), " ")
	if name != "" {
		name += ": "
	}
	return usageError{fmt.Errorf(name+format+"; see "+path+" --help", values...)}
}

// arguments bounds the number of a command's arguments; want says what they are.
func arguments(least, most int, want string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) >= least && len(args) <= most:
			return nil
		case len(args) == 0:
			return misused(cmd, "got no argument, want %s", want)
		}
		return misused(cmd, "got %q, want %s", strings.Join(args, " "), want)
	}
}
