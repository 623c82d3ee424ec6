package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"

	"portfolio/config"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const outputsUsage = `ops outputs [--out FILE]

Writes the outputs of the environment of the settings as a Markdown table, from its
state: what leads to a page is a link, what is sensitive is not said.

  --out FILE  writes the table there, not to standard output

Exit status: 0, 1 where there is no state to read, 2 called wrongly or bad settings.`

// listOutputs is the command: it writes the outputs of an environment.
func listOutputs(ctx context.Context, s session, args []string) error {
	flags := flag.NewFlagSet("outputs", flag.ContinueOnError)
	out := flags.String("out", "", "")
	if help, err := s.parse(flags, args, outputsUsage); help || err != nil {
		return err
	}
	if flags.NArg() != 0 {
		return fmt.Errorf("%w: outputs: got %q, want flags only", errUsage, flags.Arg(0))
	}
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
	if err := s.write(*out, table); err != nil {
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
