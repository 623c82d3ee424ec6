// Package commandline is what the command lines of the programs have in common: help and
// shell completion are written to standard output, and a command that does not exist is
// refused.
package commandline

import (
	"io"

	"github.com/spf13/cobra"
)

// Complete adds the commands help and completion to root, which has its other commands
// and writes to out. Commands that only group others, and help, call unknown with the
// names that are not those of a command, of which there may be none; it returns the error.
func Complete(root *cobra.Command, out io.Writer, unknown func(group *cobra.Command, names []string) error) {
	root.SilenceErrors, root.SilenceUsage = true, true // the program prints errors
	root.SetOut(out)                                   // before the completion commands, which keep it
	root.SetHelpCommand(helpCommand(unknown))
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	refuse(root, unknown)
}

// refuse makes cmd and its subcommands call unknown where they only group others.
func refuse(cmd *cobra.Command, unknown func(*cobra.Command, []string) error) {
	cmd.SuggestionsMinimumDistance = 2
	if cmd.HasSubCommands() && cmd.RunE == nil {
		cmd.Args, cmd.RunE, cmd.DisableFlagsInUseLine = cobra.ArbitraryArgs, unknown, true
	}
	for _, sub := range cmd.Commands() {
		refuse(sub, unknown)
	}
}

func helpCommand(unknown func(*cobra.Command, []string) error) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Print the help of a command",
		RunE: func(cmd *cobra.Command, names []string) error {
			about, rest, err := cmd.Root().Find(names)
			if err != nil || len(rest) > 0 {
				return unknown(about, rest)
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}
