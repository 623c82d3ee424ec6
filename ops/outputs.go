package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"portfolio/config"
	"portfolio/config/tfstate"
	"portfolio/contract/commandline"
	"portfolio/ops/markdown"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/spf13/cobra"
)

func outputsCommand(s session) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "outputs",
		Short: "Write the outputs of an environment as Markdown",
		Long: `Writes the outputs of the environment that the settings name as a Markdown
table, from its state. The dashboard is a link; the values of sensitive outputs
are left out.

Exit status: 0, 1 if there is no state to read, 2 for an invalid command line or
invalid settings.`,
		Args: commandline.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.listOutputs(cmd.Context(), out) },
	}
	cmd.Flags().StringVar(&out, "out", "", "write the table to this `FILE`, not to standard output")
	return cmd
}

// listOutputs writes the outputs of the environment of the settings.
func (s session) listOutputs(ctx context.Context, out string) error {
	c, bucket, err := s.states(ctx)
	if err != nil {
		return err
	}
	text, _, err := bucket.read(ctx, c.State.Key, nil)
	if missing := (*types.NoSuchKey)(nil); errors.As(err, &missing) {
		return fmt.Errorf("%s: got no state in %s, want a deployed environment", c.Tags["Environment"], bucket.bucket)
	}
	if err != nil {
		return err
	}
	table, err := outputsTable(c, text)
	if err != nil {
		return err
	}
	if err := s.write(out, table); err != nil {
		return fmt.Errorf("outputs: %w", err)
	}
	return nil
}

var (
	// word is the form of what is Markdown as it is: names of outputs and regions, commits.
	word = regexp.MustCompile(`^[\pL\pN_-]+$`)
	// dashboardName and regionName are the forms of what can be in a link.
	dashboardName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	regionName    = regexp.MustCompile(`^[a-z0-9-]+$`)
)

// plainly returns a word as it is and any other text as a cell.
func plainly(text string) string {
	if word.MatchString(text) {
		return text
	}
	return markdown.Cell(text)
}

// outputsTable renders the outputs of a state, and nothing else of it.
func outputsTable(c config.Config, text []byte) (string, error) {
	state, err := tfstate.Read(text)
	if err != nil {
		return "", fmt.Errorf("state %s: %w", c.State.Key, err)
	}
	if len(state.Outputs) == 0 {
		return "", fmt.Errorf("%s: got no outputs, want a deployed environment", c.Tags["Environment"])
	}
	var e environment
	if err := e.parse(text); err != nil {
		return "", fmt.Errorf("state %s: %w", c.State.Key, err)
	}
	region := cmp.Or(e.Region, c.Region)
	var b strings.Builder
	fmt.Fprintf(&b, "## Environment %s\n\nIn %s, at commit %s.\n\n| output | value |\n|---|---|\n",
		c.Tags["Environment"], plainly(region), plainly(cmp.Or(e.Commit, "unknown")))
	for _, name := range slices.Sorted(maps.Keys(state.Outputs)) {
		output := state.Outputs[name]
		value := cell(output.Value)
		switch dashboard, _ := output.Value.(string); {
		case output.Sensitive:
			value = "*sensitive*"
		case name == "dashboard-name" && dashboardName.MatchString(dashboard) && regionName.MatchString(region):
			value = fmt.Sprintf("[%s](https://%s.console.aws.amazon.com/cloudwatch/home?region=%s#dashboards/dashboard/%s)",
				dashboard, region, region, dashboard)
		}
		fmt.Fprintf(&b, "| %s | %s |\n", plainly(name), value)
	}
	return b.String(), nil
}

// cell writes an output's value as the cell of a table: a list is one line for each
// element, and what is in it, or in an object, is JSON.
func cell(value any) string {
	switch v := value.(type) {
	case nil:
		return "none"
	case string:
		return markdown.Cell(v)
	case []any:
		var lines []string
		for _, element := range v {
			if _, isList := element.([]any); isList {
				lines = append(lines, markdown.Cell(marshalled(element)))
			} else {
				lines = append(lines, cell(element))
			}
		}
		if len(lines) > 0 {
			return strings.Join(lines, "<br>")
		}
	}
	return markdown.Cell(marshalled(value))
}

// marshalled writes a value that was read from JSON as JSON again.
func marshalled(value any) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return err.Error()
	}
	return strings.TrimSuffix(b.String(), "\n")
}
