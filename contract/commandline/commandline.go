// Package commandline is what the command lines of the programs have in common: help and
// shell completion are written to standard output, and what is not a command is refused.
package commandline

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// Run adds the commands help and completion to root, which has its other commands, and runs
// the command that root's arguments name. Help and completion are written to out. Commands
// that only group others, and requests for help, fail for names that are not those of a
// command. Errors in the arguments are those of root's FlagErrorFunc. Run prints no error.
func Run(ctx context.Context, root *cobra.Command, out io.Writer) (*cobra.Command, error) {
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetOut(out) // before the completion commands, which keep it
	root.SetUsageTemplate(usage)
	root.SetHelpCommand(helpCommand())
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	refuse(root)

	misused := root.FlagErrorFunc()
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if names := cmd.Flags().Args(); cmd.HasSubCommands() && len(names) > 0 {
			err = unknown(cmd, names) // a flag of an unknown command
		}
		return misused(cmd, err)
	})
	// Cobra's function for help returns no error.
	var misnamed error
	help := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		if names := cmd.Flags().Args(); cmd.HasSubCommands() && len(names) > 0 {
			misnamed = misused(cmd, unknown(cmd, names))
			return
		}
		help(cmd, args)
	})
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		err = misnamed
	}
	return cmd, err
}

// NoArguments is for the Args of commands that take none.
func NoArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return cmd.FlagErrorFunc()(cmd, fmt.Errorf("got %q, want no argument", strings.Join(args, " ")))
}

// refuse makes cmd and its subcommands fail for names that are not those of a command where
// they have commands, and the completion commands for arguments.
func refuse(cmd *cobra.Command) {
	cmd.SuggestionsMinimumDistance = 2
	fail := func(cmd *cobra.Command, names []string) error {
		return cmd.FlagErrorFunc()(cmd, unknown(cmd, names))
	}
	switch {
	case cmd.HasSubCommands() && cmd.RunE == nil:
		cmd.Args, cmd.RunE, cmd.DisableFlagsInUseLine = cobra.ArbitraryArgs, fail, true
	case cmd.HasSubCommands():
		cmd.Args = func(cmd *cobra.Command, names []string) error {
			if len(names) == 0 {
				return nil
			}
			return fail(cmd, names)
		}
	case cmd.HasParent() && cmd.Parent().Name() == "completion":
		cmd.Args = NoArguments
	}
	for _, sub := range cmd.Commands() {
		refuse(sub)
	}
}

// unknown returns the error for names, of which there may be none, that are not those of a
// command of cmd.
func unknown(cmd *cobra.Command, names []string) error {
	if len(names) > 0 && names[0] != "" {
		if similar := cmd.SuggestionsFor(names[0]); len(similar) > 0 {
			return fmt.Errorf("got %q, want a command (did you mean %s?)", names[0], oneOf(similar))
		}
	}
	got := "no command"
	if len(names) > 0 {
		got = strconv.Quote(names[0])
	}
	var commands []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "help" && sub.Name() != "completion" {
			commands = append(commands, sub.Name())
		}
	}
	return fmt.Errorf("got %s, want %s", got, oneOf(commands))
}

// oneOf lists names, of which there is at least one.
func oneOf(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Print the help of a command",
		RunE: func(cmd *cobra.Command, names []string) error {
			about, rest, err := cmd.Root().Find(names)
			if err != nil || len(rest) > 0 {
				return about.FlagErrorFunc()(about, unknown(about, rest))
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}

// usage is cobra's own template for 80 columns, without a line for the call of a command
// that only groups others.
const usage = `Usage:{{if and .Runnable (not .DisableFlagsInUseLine)}}
  {{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} [command]{{end}}{{if .HasExample}}

Examples:
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}

Available Commands:{{range .Commands}}{{if or .IsAvailableCommand (eq .Name "help")}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsagesWrapped 80 | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableInheritedFlags}}

Global Flags:
{{.InheritedFlags.FlagUsagesWrapped 80 | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableSubCommands}}

Use "{{.CommandPath}} [command] --help" for more information about a command.{{end}}
`

// Wrap divides a text into lines of at most width characters, unless a word is longer.
func Wrap(text string, width int) []string {
	var lines []string
	for _, word := range strings.Fields(text) {
		last := len(lines) - 1
		if last >= 0 && len([]rune(lines[last]+" "+word)) <= width {
			lines[last] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}
