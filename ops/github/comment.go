package github

import (
	"context"
	"fmt"
	"regexp"

	gh "github.com/google/go-github/v79/github"
)

var markers = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Comment writes a text to the run's pull request, in the one comment with the marker:
// the first call creates it, later ones rewrite it. It returns the comment's address.
func (c *Client) Comment(ctx context.Context, marker, body string) (string, error) {
	if !markers.MatchString(marker) {
		return "", fmt.Errorf("marker: got %q, want a–z, 0–9 and inner hyphens", marker)
	}
	p, err := c.pull()
	if err != nil {
		return "", err
	}
	text := fitted(marker, body, fmt.Sprintf("For %s, %s.", short(p.Head.SHA), c.run))
	old, err := c.comment(ctx, p.Number, marker)
	if err != nil {
		return "", fmt.Errorf("comments of #%d: %w", p.Number, err)
	}
	if old != nil && normal(old.GetBody()) == text {
		return old.GetHTMLURL(), nil
	}
	comment := &gh.IssueComment{Body: &text}
	if old != nil {
		comment, _, err = c.api.Issues.EditComment(ctx, c.owner, c.repo, old.GetID(), comment)
	} else {
		comment, _, err = c.api.Issues.CreateComment(ctx, c.owner, c.repo, p.Number, comment)
	}
	if err != nil {
		return "", fmt.Errorf("comment %q of #%d: %w", marker, p.Number, err)
	}
	return comment.GetHTMLURL(), nil
}

// comment finds the oldest of our comments with a marker, or nil if there is none.
func (c *Client) comment(ctx context.Context, number int, marker string) (*gh.IssueComment, error) {
	var found *gh.IssueComment
	err := each(ctx, func(ctx context.Context, page int) (*gh.Response, error) {
		comments, response, err := c.api.Issues.ListComments(ctx, c.owner, c.repo, number,
			&gh.IssueListCommentsOptions{ListOptions: gh.ListOptions{Page: page, PerPage: 100}})
		for _, comment := range comments {
			if found == nil && isOurs(comment.GetUser(), comment.GetBody(), marker) {
				found = comment
			}
		}
		return response, err
	})
	return found, err
}

// short is a commit as people write it.
func short(sha string) string {
	if len(sha) < 7 {
		return "an unknown commit"
	}
	return sha[:7]
}
