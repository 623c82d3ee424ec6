package github

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	gh "github.com/google/go-github/v79/github"
)

// driftLabel is on each issue about an environment that drifts.
const driftLabel = "drift"

// Drift keeps one open issue for each environment that drifts. It takes the reports of
// all environments by suffix: one without a report no longer drifts, and its issue is
// closed with a comment, unless it is in unknown, which lists those that could not be
// compared. Drift writes what it does to out.
func (c *Client) Drift(ctx context.Context, reports map[string]string, unknown []string, out io.Writer) error {
	for suffix := range reports {
		if !markers.MatchString(suffix) {
			return fmt.Errorf("report: got the suffix %q, want a–z, 0–9 and inner hyphens", suffix)
		}
	}
	open, err := c.driftIssues(ctx)
	if err != nil {
		return fmt.Errorf("issues labelled %s: %w", driftLabel, err)
	}
	if len(reports) > 0 {
		if err := c.ensureLabel(ctx); err != nil {
			return fmt.Errorf("label %s: %w", driftLabel, err)
		}
	}
	for _, suffix := range slices.Sorted(maps.Keys(reports)) {
		if err := c.report(ctx, suffix, reports[suffix], open[suffix], out); err != nil {
			return fmt.Errorf("issue of %s: %w", suffix, err)
		}
	}
	for _, suffix := range slices.Sorted(maps.Keys(open)) {
		if _, drifts := reports[suffix]; drifts || slices.Contains(unknown, suffix) {
			continue
		}
		for _, issue := range open[suffix] {
			if err := c.resolve(ctx, issue); err != nil {
				return fmt.Errorf("close #%d of %s: %w", issue.GetNumber(), suffix, err)
			}
			fmt.Fprintf(out, "%s: no longer drifts, closed #%d\n", suffix, issue.GetNumber())
		}
	}
	return nil
}

// driftIssues returns our open issues by environment, the oldest first.
func (c *Client) driftIssues(ctx context.Context) (map[string][]*gh.Issue, error) {
	found := map[string][]*gh.Issue{}
	err := each(ctx, func(ctx context.Context, page int) (*gh.Response, error) {
		issues, response, err := c.api.Issues.ListByRepo(ctx, c.owner, c.repo, &gh.IssueListByRepoOptions{
			State: "open", Labels: []string{driftLabel}, Sort: "created", Direction: "asc",
			ListOptions: gh.ListOptions{Page: page, PerPage: 100},
		})
		for _, issue := range issues {
			first, _, _ := strings.Cut(normal(issue.GetBody()), "\n")
			suffix := strings.TrimSuffix(strings.TrimPrefix(first, "<!-- portfolio-ops: drift-"), " -->")
			if !issue.IsPullRequest() && isOurs(issue.GetUser(), issue.GetBody(), "drift-"+suffix) {
				found[suffix] = append(found[suffix], issue)
			}
		}
		return response, err
	})
	return found, err
}

// ensureLabel creates the label where the repository has none.
func (c *Client) ensureLabel(ctx context.Context) error {
	_, response, err := c.api.Issues.GetLabel(ctx, c.owner, c.repo, driftLabel)
	if err == nil || response == nil || response.StatusCode != http.StatusNotFound {
		return err
	}
	_, _, err = c.api.Issues.CreateLabel(ctx, c.owner, c.repo, &gh.Label{
		Name: gh.Ptr(driftLabel), Color: gh.Ptr("d93f0b"),
		Description: gh.Ptr("An environment is not as it was deployed"),
	})
	return err
}

func (c *Client) report(ctx context.Context, suffix, report string, open []*gh.Issue, out io.Writer) error {
	body := fitted("drift-"+suffix, report,
		"Last seen "+c.run+". Closed automatically once the environment is as it was deployed.")
	if len(open) > 0 {
		fmt.Fprintf(out, "%s: drifts, updated #%d\n", suffix, open[0].GetNumber())
		_, _, err := c.api.Issues.Edit(ctx, c.owner, c.repo, open[0].GetNumber(), &gh.IssueRequest{Body: &body})
		return err
	}
	issue, _, err := c.api.Issues.Create(ctx, c.owner, c.repo, &gh.IssueRequest{
		Title: gh.Ptr("Drift: " + suffix), Body: &body, Labels: &[]string{driftLabel},
	})
	if err == nil {
		fmt.Fprintf(out, "%s: drifts, opened #%d\n", suffix, issue.GetNumber())
	}
	return err
}

// resolve comments before it closes: if it is interrupted in between, the next run
// does both again.
func (c *Client) resolve(ctx context.Context, issue *gh.Issue) error {
	text := "No longer drifts: checked " + c.run + "."
	if _, _, err := c.api.Issues.CreateComment(ctx, c.owner, c.repo, issue.GetNumber(),
		&gh.IssueComment{Body: &text}); err != nil {
		return err
	}
	_, _, err := c.api.Issues.Edit(ctx, c.owner, c.repo, issue.GetNumber(),
		&gh.IssueRequest{State: gh.Ptr("closed"), StateReason: gh.Ptr("completed")})
	return err
}
