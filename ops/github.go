package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"portfolio/ops/github"
)

const githubUsage = `ops github comment --marker NAME FILE|-
ops github drift DIR
ops github open-pulls [--label NAME]

Speaks for a workflow's run, by GITHUB_REPOSITORY, GITHUB_TOKEN and GITHUB_EVENT_PATH.

  comment     puts FILE on the run's pull request, in the one comment that NAME has
              there: creates it, or rewrites its own. Longer than GitHub takes, it
              is cut and says so.
  drift       DIR holds a SUFFIX.md for each environment that drifts. Keeps one open
              issue for each, labelled drift, and closes those of all others.
  open-pulls  prints the numbers of the open pull requests, 12,15, or none; with
              --label, of those that have it.`

// githubCommand is the command: it does one of what githubUsage lists.
func githubCommand(ctx context.Context, s session, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("%w: %s", errUsage, githubUsage)
	}
	flags := flag.NewFlagSet("github", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints the error
	var marker, label string
	want := 0
	switch args[0] {
	case "comment":
		flags.StringVar(&marker, "marker", "", "")
		want = 1
	case "drift":
		want = 1
	case "open-pulls":
		flags.StringVar(&label, "label", "", "")
	case "help", "--help", "-h":
		fmt.Fprintln(s.out, githubUsage)
		return nil
	default:
		return fmt.Errorf("%w: %s", errUsage, githubUsage)
	}
	err := flags.Parse(args[1:])
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(s.out, githubUsage)
		return nil
	}
	if err != nil || flags.NArg() != want || args[0] == "comment" && marker == "" {
		return errors.Join(fmt.Errorf("%w: %s", errUsage, githubUsage), err)
	}
	client, err := github.New(s.environ, os.Stderr)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	switch args[0] {
	case "comment":
		return s.comment(ctx, client, marker, flags.Arg(0))
	case "drift":
		return s.reportDrift(ctx, client, flags.Arg(0))
	}
	return s.openPulls(ctx, client, label)
}

func (s session) comment(ctx context.Context, client *github.Client, marker, file string) error {
	text, err := s.read(file)
	if err != nil {
		return err
	}
	if strings.TrimSpace(string(text)) == "" {
		return fmt.Errorf("%s: got nothing to say, want Markdown", file)
	}
	address, err := client.Comment(ctx, marker, string(text))
	if err == nil {
		fmt.Fprintln(s.out, address)
	}
	return err
}

func (s session) reportDrift(ctx context.Context, client *github.Client, dir string) error {
	reports, err := driftReports(os.DirFS(dir))
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	return client.Drift(ctx, reports, s.out)
}

// driftReports reads a folder of reports, by the suffix that names each. A folder
// that is not there is no proof that nothing drifts.
func driftReports(dir fs.FS) (map[string]string, error) {
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return nil, err
	}
	reports := map[string]string{}
	for _, e := range entries {
		suffix, isReport := strings.CutSuffix(e.Name(), ".md")
		if !isReport || e.IsDir() {
			return nil, fmt.Errorf("got %s, want SUFFIX.md alone", e.Name())
		}
		text, err := fs.ReadFile(dir, e.Name())
		if err != nil {
			return nil, err
		}
		reports[suffix] = string(text)
	}
	return reports, nil
}

func (s session) openPulls(ctx context.Context, client *github.Client, label string) error {
	numbers, err := client.OpenPulls(ctx, label)
	if err != nil {
		return err
	}
	var list []string
	for _, n := range numbers {
		list = append(list, strconv.Itoa(n))
	}
	if len(list) == 0 {
		list = []string{"none"}
	}
	fmt.Fprintln(s.out, strings.Join(list, ","))
	return nil
}
