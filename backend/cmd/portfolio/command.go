package main

import (
	"fmt"
	"io"
	"runtime"
	"strings"

	"portfolio/contract/setting"

	"github.com/spf13/cobra"
)

// newCommand returns the command line, which prints to stdout. Without arguments it
// runs the service.
func newCommand(environ map[string]string, stdout io.Writer) *cobra.Command {
	var version bool
	c := &cobra.Command{
		Use:   "portfolio",
		Short: "Serve the portfolio platform",
		Long: `Serves the portfolio platform until SIGTERM or SIGINT, and then finishes the
calls in flight.

Exit status: 2 for invalid arguments or environment variables, 1 for any other
error.

Environment variables:
` + environmentHelp(),
		Args:          noArguments,
		SilenceErrors: true, // main prints the error
		SilenceUsage:  true,
		RunE: func(c *cobra.Command, _ []string) error {
			if !version {
				return runService(c.Context(), environ, c.ErrOrStderr())
			}
			build, err := buildID()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "portfolio %s %s\n", build, runtime.Version())
			return err
		},
	}
	c.Flags().BoolVar(&version, "version", false, "print the hash of this binary and the version of Go")
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return inputError{fmt.Errorf("arguments: %w; see %s --help", err, c.CommandPath())}
	})
	c.AddCommand(newKeyCommand(environ))
	c.SetHelpCommand(newHelpCommand())
	c.SetOut(stdout) // before the completion commands, which keep it
	c.InitDefaultCompletionCmd()
	for _, group := range c.Commands() {
		if group.HasSubCommands() {
			group.Args, group.RunE = noArguments, noCommand
		}
	}
	return c
}

// noCommand refuses a call of a command that only groups others.
func noCommand(c *cobra.Command, _ []string) error {
	return inputError{setting.Problem("arguments", "", "a command; see "+c.CommandPath()+" --help")}
}

// newHelpCommand returns cobra's help command, except that it refuses a command
// that does not exist.
func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Print the help of a command",
		RunE: func(c *cobra.Command, args []string) error {
			about, rest, err := c.Root().Find(args)
			if err == nil {
				err = noArguments(about, rest)
			}
			if err != nil {
				return err
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}

// noArguments refuses arguments, and suggests a command if one looks misspelled.
func noArguments(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	want := "none"
	c.SuggestionsMinimumDistance = 2
	if similar := c.SuggestionsFor(args[0]); args[0] != "" && len(similar) > 0 {
		want = "a command (did you mean " + strings.Join(similar, " or ") + "?)"
	} else if c.HasAvailableSubCommands() {
		want = "a command"
	}
	return inputError{setting.Problem("arguments", args[0], want+"; see "+c.CommandPath()+" --help")}
}
