package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"portfolio/contract/commandline"

	"github.com/spf13/cobra"
)

func environmentsCommand(s session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "environments",
		Short: "List the environments that have a state",
		Long: `Lists the environments that have a state in TERRAFORM_STATE_BUCKET: age, last
apply, commit, author of the commit, region and number of resources. What the
state does not record is "unknown".`,
		Args: commandline.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.listEnvironments(cmd.Context(), asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write them as JSON")
	return cmd
}

// listEnvironments lists what is deployed and changes nothing.
func (s session) listEnvironments(ctx context.Context, asJSON bool) error {
	all, err := s.deployed(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		encoder := json.NewEncoder(s.out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(append([]environment{}, all...)) // [] rather than null
	}
	return printEnvironments(s.out, all, time.Now())
}

func printEnvironments(out io.Writer, all []environment, now time.Time) error {
	if len(all) == 0 {
		fmt.Fprintln(out, "No environment has a state.")
		return nil
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SUFFIX\tAGE\tAPPLIED\tCOMMIT\tAUTHOR\tREGION\tRESOURCES")
	for _, e := range all {
		size := ""
		if e.Resources != nil {
			size = strconv.Itoa(*e.Resources)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", plain(e.Suffix), age(now.Sub(e.Created)),
			age(now.Sub(e.Applied))+" ago",
			orUnknown(e.Commit), orUnknown(e.Author), orUnknown(e.Region), orUnknown(size))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, e := range all {
		if e.Problem != "" {
			fmt.Fprintf(out, "%s: %s\n", plain(e.Suffix), e.Problem)
		}
	}
	return nil
}

// plain quotes a text that would break a line or hide in it.
func plain(text string) string {
	if quoted := strconv.Quote(text); quoted != `"`+text+`"` || text == "" ||
		text[len(text)-1] == ' ' || text[0] == ' ' {
		return quoted
	}
	return text
}

func orUnknown(text string) string { return plain(cmp.Or(text, "unknown")) }

// age writes a duration in one unit: days, hours or minutes.
func age(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d d", int(d.Hours())/24)
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d min", int(d.Minutes()))
}
