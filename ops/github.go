package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"portfolio/contract/commandline"
	"portfolio/ops/github"

	"github.com/spf13/cobra"
)

func githubCommand(s session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "github",
		Short: "Report to GitHub from a workflow's run",
		Long: `Acts on the repository of a workflow's run, as GITHUB_REPOSITORY, GITHUB_TOKEN
and GITHUB_EVENT_PATH describe it.`,
	}
	cmd.AddCommand(githubCheckHeadCommand(s), githubCommentCommand(s), githubDriftCommand(s),
		githubOpenPullsCommand(s), githubUnlockCommand(s))
	return cmd
}

func githubCommentCommand(s session) *cobra.Command {
	var marker string
	cmd := &cobra.Command{
		Use:   "comment --marker NAME FILE|-",
		Short: "Write a comment on the run's pull request",
		Long: `Writes FILE to the run's pull request, in the one comment that has this marker:
it creates the comment, or rewrites the one that it wrote before. A text that is
longer than GitHub accepts is cut and ends with a note.`,
		Args: arguments(1, 1, "one FILE or -"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if marker == "" {
				return misused(cmd, "--marker: got nothing, want a name")
			}
			client, err := s.github(cmd)
			if err != nil {
				return err
			}
			return s.comment(cmd.Context(), client, marker, args[0])
		},
	}
	cmd.Flags().StringVar(&marker, "marker", "", "`NAME` of the comment: a–z, 0–9 and inner hyphens")
	return cmd
}

func githubDriftCommand(s session) *cobra.Command {
	return &cobra.Command{
		Use:   "drift DIR",
		Short: "Keep an open issue for each environment that drifts",
		Long: `Keeps one open issue, labelled drift, for each environment that drifts. DIR
holds a SUFFIX.md for each, and a SUFFIX.failed for each environment that could not be
compared, as ops drift --out writes them. The issues of the latter stay as they
are; all others are closed.`,
		Args: arguments(1, 1, "one DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := s.github(cmd)
			if err != nil {
				return err
			}
			return s.reportDrift(cmd.Context(), client, args[0])
		},
	}
}

func githubOpenPullsCommand(s session) *cobra.Command {
	var label string
	cmd := &cobra.Command{
		Use:   "open-pulls",
		Short: "Print the numbers of the open pull requests: 12,15 or none",
		Args:  commandline.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := s.github(cmd)
			if err != nil {
				return err
			}
			return s.openPulls(cmd.Context(), client, label)
		},
	}
	cmd.Flags().StringVar(&label, "label", "", "only those with this label: `NAME`")
	return cmd
}

func githubCheckHeadCommand(s session) *cobra.Command {
	return &cobra.Command{
		Use:   "check-head",
		Short: "Fail unless this run's commit is the newest of its branch",
		Long: `Fails unless GITHUB_SHA is the newest commit of GITHUB_REF_NAME: a run that
waited for its approval must not deploy what a later push replaced.`,
		Args: commandline.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := s.github(cmd)
			if err != nil {
				return err
			}
			branch, commit := s.environ["GITHUB_REF_NAME"], s.environ["GITHUB_SHA"]
			head, err := client.IsHead(cmd.Context(), branch, commit)
			if err == nil && !head {
				err = fmt.Errorf("GITHUB_SHA: got %s, want the newest commit of %s: deploy that one", commit, branch)
			}
			return err
		},
	}
}

func githubUnlockCommand(s session) *cobra.Command {
	return &cobra.Command{
		Use:   "unlock",
		Short: "Remove the lock that a killed run of a workflow left behind",
		Long: `Removes the lock of the environment that the settings name if a GitHub-hosted
runner holds it and every run that had started by then is over. Any other lock
is left alone.`,
		Args: commandline.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := s.github(cmd)
			if err != nil {
				return err
			}
			c, bucket, err := s.states(cmd.Context())
			if err != nil {
				return err
			}
			return bucket.unlock(cmd.Context(), c.State.Key, client.RunsOver, s.out)
		},
	}
}

// github returns a client for the repository of this run.
func (s session) github(cmd *cobra.Command) (*github.Client, error) {
	client, err := github.New(s.environ, cmd.ErrOrStderr())
	if err != nil {
		return nil, usageError{err}
	}
	return client, nil
}

func (s session) comment(ctx context.Context, client *github.Client, marker, file string) error {
	text, err := s.read(file)
	if err != nil {
		return err
	}
	if strings.TrimSpace(string(text)) == "" {
		return fmt.Errorf("%s: got an empty text, want Markdown", file)
	}
	address, err := client.Comment(ctx, marker, string(text))
	if err == nil {
		fmt.Fprintln(s.out, address)
	}
	return err
}

func (s session) reportDrift(ctx context.Context, client *github.Client, dir string) error {
	reports, unknown, err := driftReports(os.DirFS(dir))
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	return client.Drift(ctx, reports, unknown, s.out)
}

// driftReports reads a folder of reports, by the suffix that names each. A missing
// folder is an error: it does not prove that nothing drifts.
func driftReports(dir fs.FS) (reports map[string]string, unknown []string, err error) {
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return nil, nil, err
	}
	reports = map[string]string{}
	for _, e := range entries {
		if suffix, failed := strings.CutSuffix(e.Name(), failedReport); failed && !e.IsDir() {
			unknown = append(unknown, suffix)
			continue
		}
		suffix, isReport := strings.CutSuffix(e.Name(), ".md")
		if !isReport || e.IsDir() {
			return nil, nil, fmt.Errorf("got %s, want only files SUFFIX.md and SUFFIX%s", e.Name(), failedReport)
		}
		text, err := fs.ReadFile(dir, e.Name())
		if err != nil {
			return nil, nil, err
		}
		reports[suffix] = string(text)
	}
	return reports, unknown, nil
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
