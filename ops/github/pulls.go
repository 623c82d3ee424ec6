package github

import (
	"context"
	"fmt"
	"slices"

	gh "github.com/google/go-github/v79/github"
)

// OpenPulls returns the numbers of the open pull requests, sorted; with a label, only of
// those that have it.
func (c *Client) OpenPulls(ctx context.Context, label string) ([]int, error) {
	var numbers []int
	err := each(ctx, func(ctx context.Context, page int) (*gh.Response, error) {
		// New ones come last, so that they do not shift the pages before.
		pulls, response, err := c.api.PullRequests.List(ctx, c.owner, c.repo, &gh.PullRequestListOptions{
			State: "open", Sort: "created", Direction: "asc", ListOptions: gh.ListOptions{Page: page, PerPage: 100},
		})
		for _, p := range pulls {
			if label == "" || slices.ContainsFunc(p.Labels, func(l *gh.Label) bool { return l.GetName() == label }) {
				numbers = append(numbers, p.GetNumber())
			}
		}
		return response, err
	})
	if err != nil {
		return nil, fmt.Errorf("open pull requests: %w", err)
	}
	slices.Sort(numbers)
	return slices.Compact(numbers), nil
}
