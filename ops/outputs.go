package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"portfolio/config"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/spf13/cobra"
)

func outputsCommand(s session) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "outputs",
		Short: "Write the outputs of an environment as Markdown",
		Long: `Writes the outputs of the environment of the settings as a Markdown table, from its
state. The dashboard is a link; the values of sensitive outputs are left out.

Exit status: 0, 1 where there is no state to read, 2 for a wrong command line or
wrong settings.`,
		Args: noArguments,
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

// outputsTable takes from a state its outputs, and nothing else.
func outputsTable(c config.Config, state []byte) (string, error) {
	var s struct {
		Outputs map[string]struct {
			Value     any
			Sensitive bool
		}
	}
	if json.Unmarshal(state, &s) != nil {
		return "", errors.New("state: it is no JSON of a Terraform state") // the text may hold secrets, the error some of it
	}
	if len(s.Outputs) == 0 {
		return "", fmt.Errorf("%s: got no outputs, want a deployed environment", c.Tags["Environment"])
	}
	var e environment
	if err := e.parse(state); err != nil {
		return "", fmt.Errorf("state: %w", err)
	}
	region := cmp.Or(e.Region, c.Region)
	var b strings.Builder
	fmt.Fprintf(&b, "## Environment %s\n\nIn %s, at commit %s.\n\n| output | value |\n|---|---|\n", c.Tags["Environment"], region, cmp.Or(e.Commit, "unknown"))
	for _, name := range slices.Sorted(maps.Keys(s.Outputs)) {
		output := s.Outputs[name]
		value := code(output.Value)
		switch dashboard, isText := output.Value.(string); {
		case output.Sensitive:
			value = "*sensitive*"
		case name == "dashboard-name" && isText:
			value = fmt.Sprintf("[%s](https://%s.console.aws.amazon.com/cloudwatch/home?region=%s#dashboards/dashboard/%s)", dashboard, region, region, dashboard)
		}
		fmt.Fprintf(&b, "| %s | %s |\n", name, value)
	}
	return b.String(), nil
}

// code writes an output's value for a table's cell: a list is one line for each.
func code(value any) string {
	list, ok := value.([]any)
	if !ok {
		return "`" + strings.ReplaceAll(fmt.Sprint(value), "|", `\|`) + "`"
	}
	var all []string
	for _, v := range list {
		all = append(all, code(v))
	}
	return strings.Join(all, "<br>")
}
