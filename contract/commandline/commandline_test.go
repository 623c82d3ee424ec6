package commandline

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
)

// program returns a command line with a group of commands, which do nothing.
func program() *cobra.Command {
	root := &cobra.Command{Use: "program", Short: "Do something"}
	group := &cobra.Command{Use: "group", Short: "Group commands"}
	one := &cobra.Command{Use: "one", Short: "Do one thing", RunE: func(*cobra.Command, []string) error { return nil }}
	one.Flags().String("flag", "", strings.Repeat("a long description of a flag ", 4))
	group.AddCommand(one)
	root.AddCommand(group)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%s: %w", cmd.CommandPath(), err)
	})
	return root
}

func TestRun(t *testing.T) {
	unknown := func(group *cobra.Command, names []string) error {
		return errors.New(group.CommandPath() + " refuses " + strings.Join(names, " "))
	}
	for args, want := range map[string]string{
		"":                      "program refuses ",
		"other":                 "program refuses other",
		"other --help":          "program refuses other",
		"--help other":          "program refuses other",
		"help other":            "program refuses other",
		"group":                 "program group refuses ",
		"group other":           "program group refuses other",
		"group other --help":    "program group refuses other",
		"completion":            "program completion refuses ",
		"completion tcsh":       "program completion refuses tcsh",
		"completion bash more":  `program completion bash: got "more", want no argument`,
		"group one --none":      "program group one: unknown flag: --none",
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
		_, err := Run(t.Context(), root, out, unknown)
		if want == "" {
			assert.NoError(t, err, args)
			assert.Equal(t, args == "group one", out.Len() == 0, args)
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
		_, err := Run(t.Context(), root, out, nil)
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
