// Package commandline is what the command lines of the programs have in common: help and
// shell completion are written to standard output, and what is not a command is refused.
package commandline

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// Refuse returns the error for names that are not those of a group's commands, of which
// there may be none.
type Refuse func(group *cobra.Command, names []string) error

// Run adds the commands help and completion to root, which has its other commands, and runs
// the command that root's arguments name. Help and completion are written to out. Commands
// that only group others, and requests for help, fail with the error of unknown for names
// that are not those of a command. Run prints no error.
func Run(ctx context.Context, root *cobra.Command, out io.Writer, unknown Refuse) (*cobra.Command, error) {
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetOut(out) // before the completion commands, which keep it
	root.SetUsageTemplate(usage)
	root.SetHelpCommand(helpCommand(unknown))
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	refuse(root, unknown)

	// Cobra's function for help returns no error.
	var misnamed error
	help := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		if names := cmd.Flags().Args(); cmd.HasSubCommands() && len(names) > 0 {
			misnamed = unknown(cmd, names)
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

// refuse makes cmd and its subcommands call unknown where they only group others, and the
// completion commands refuse arguments as the program refuses unknown flags.
func refuse(cmd *cobra.Command, unknown Refuse) {
	cmd.SuggestionsMinimumDistance = 2
	switch {
	case cmd.HasSubCommands() && cmd.RunE == nil:
		cmd.Args, cmd.RunE, cmd.DisableFlagsInUseLine = cobra.ArbitraryArgs, unknown, true
	case cmd.HasParent() && cmd.Parent().Name() == "completion":
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return cmd.FlagErrorFunc()(cmd, fmt.Errorf("got %q, want no argument", args[0]))
		}
	}
	for _, sub := range cmd.Commands() {
		refuse(sub, unknown)
	}
}

func helpCommand(unknown Refuse) *cobra.Command {
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
