package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"
)

const environmentsUsage = `ops environments [--json]

Lists the environments that have a state in TERRAFORM_STATE_BUCKET: age, last
apply, commit, author of the commit, region and number of resources. What the
state does not say is "unknown".

  --json  the same as JSON`

// listEnvironments is the command: it lists what is deployed, and changes nothing.
func listEnvironments(ctx context.Context, s session, args []string) error {
	flags := flag.NewFlagSet("environments", flag.ContinueOnError)
	asJSON := flags.Bool("json", false, "")
	if help, err := s.parse(flags, args, environmentsUsage); help || err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%w: environments: got %s, want no argument", errUsage, flags.Arg(0))
	}
	_, bucket, err := s.states(ctx)
	if err != nil {
		return err
	}
	all, err := bucket.list(ctx)
	if err != nil {
		return err
	}
	if *asJSON {
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
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", plain(e.Suffix), age(now.Sub(e.Created)), age(now.Sub(e.Applied))+" ago",
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

// plain shows what breaks a line, or hides in it, by its code.
func plain(text string) string {
	if quoted := strconv.Quote(text); quoted != `"`+text+`"` || text == "" || text[len(text)-1] == ' ' || text[0] == ' ' {
		return quoted
	}
	return text
}

func orUnknown(text string) string { return plain(cmp.Or(text, "unknown")) }

// age writes a duration as people say it: in days, or else hours, or minutes.
func age(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d d", int(d.Hours())/24)
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d min", int(d.Minutes()))
}

// parse reads a command's flags. It answers --help itself.
func (s session) parse(flags *flag.FlagSet, args []string, usage string) (help bool, err error) {
	flags.SetOutput(io.Discard) // run prints the error
	err = flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(s.out, usage)
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("%w: %s: %w", errUsage, flags.Name(), err)
	}
	return false, nil
}
