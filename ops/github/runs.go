package github

import (
	"context"
	"fmt"
	"time"

	gh "github.com/google/go-github/v79/github"
)

// unfinished are the statuses of runs that may still do something.
var unfinished = []string{"in_progress", "queued", "requested", "waiting", "pending"}

// RunsOver reports whether every run of a workflow that had started by a time is over,
// so that nothing it held is in use. This run counts as any other.
func (c *Client) RunsOver(ctx context.Context, started time.Time) (bool, error) {
	over := true
	for _, status := range unfinished {
		err := each(ctx, func(ctx context.Context, page int) (*gh.Response, error) {
			runs, response, err := c.api.Actions.ListRepositoryWorkflowRuns(ctx, c.owner, c.repo,
				&gh.ListWorkflowRunsOptions{
					Status: status, ListOptions: gh.ListOptions{Page: page, PerPage: 100},
				})
			if err != nil {
				return response, err
			}
			for _, run := range runs.WorkflowRuns {
				over = over && run.GetRunStartedAt().After(started)
			}
			return response, nil
		})
		if err != nil {
			return false, fmt.Errorf("runs that are %s: %w", status, err)
		}
	}
	return over, nil
}

// IsHead reports whether a commit is the newest one of a branch.
func (c *Client) IsHead(ctx context.Context, branch, commit string) (bool, error) {
	reference, _, err := c.api.Git.GetRef(ctx, c.owner, c.repo, "heads/"+branch)
	if err != nil {
		return false, fmt.Errorf("branch %s: %w", branch, err)
	}
	return reference.GetObject().GetSHA() == commit, nil
}
