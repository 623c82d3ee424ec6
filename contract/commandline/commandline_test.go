package commandline

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
)

// program returns a command line with groups of commands, which do nothing.
func program() *cobra.Command {
	nothing := func(*cobra.Command, []string) error { return nil }
	root := &cobra.Command{Use: "program", Short: "Do something"}
	group := &cobra.Command{Use: "group", Short: "Group commands"}
	one := &cobra.Command{Use: "one", Short: "Do one thing", Args: NoArguments, RunE: nothing}
	one.Flags().String("flag", "", strings.Repeat("a long description of a flag ", 4))
	group.AddCommand(one)
	other := &cobra.Command{Use: "other", Short: "Do another thing, or one", RunE: nothing}
	other.AddCommand(&cobra.Command{Use: "one", RunE: nothing})
	root.AddCommand(group, other)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%s: %w", cmd.CommandPath(), err)
	})
	return root
}

func TestRun(t *testing.T) {
	for args, want := range map[string]string{
		"":                      "program: got no command, want group or other",
		"nothing":               `program: got "nothing", want group or other`,
		"grup":                  `program: got "grup", want a command (did you mean group?)`,
		"grup --help":           `program: got "grup", want a command (did you mean group?)`,
		"--help grup":           `program: got "grup", want a command (did you mean group?)`,
		"help grup":             `program: got "grup", want a command (did you mean group?)`,
		"grup --flag":           `program: got "grup", want a command (did you mean group?)`,
		"--flag":                "program: unknown flag: --flag",
		"group":                 "program group: got no command, want one",
		"group two":             `program group: got "two", want one`,
		"group two --help":      `program group: got "two", want one`,
		"completion":            "program completion: got no command, want bash, fish, powershell or zsh",
		"completion tcsh":       `program completion: got "tcsh", want a command (did you mean bash, fish or zsh?)`,
		"completion bash more":  `program completion bash: got "more", want no argument`,
		"group one --none":      "program group one: unknown flag: --none",
		"group one more":        `program group one: got "more", want no argument`,
		"other on":              `program other: got "on", want a command (did you mean one?)`,
		"other":                 "",
		"group one":             "",
		"--help":                "",
		"help":                  "",
		"help group one":        "",
		"group --help":          "",
		"group one more --help": "",
		"completion zsh":        "",
	} {
		root, out := program(), &bytes.Buffer{}
		root.SetArgs(strings.Fields(args))
		_, err := Run(t.Context(), root, out)
		if want == "" {
			assert.NoError(t, err, args)
			assert.Equal(t, args == "group one" || args == "other", out.Len() == 0, args)
			continue
		}
		assert.EqualError(t, err, want, args)
		assert.Empty(t, out, args)
	}
}

func TestHelpFitsATerminal(t *testing.T) {
	for args, want := range map[string]string{
		"--help":           "\n\nUsage:\n  program [command]\n\n",
		"group one --help": "\n\nUsage:\n  program group one [flags]\n\n",
	} {
		root, out := program(), &bytes.Buffer{}
		root.SetArgs(strings.Fields(args))
		_, err := Run(t.Context(), root, out)
		assert.NoError(t, err)
		assert.Contains(t, out.String(), want)
		for line := range strings.Lines(out.String()) {
			assert.LessOrEqual(t, len(line), 81, line)
		}
	}
}

func TestWrap(t *testing.T) {
	assert.Equal(t, []string{"a b", "c", "longer", "d"}, Wrap(" a b c longer  d", 3))
	assert.Empty(t, Wrap("", 3))
}
