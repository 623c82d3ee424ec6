// Package github reports on GitHub what the platform's workflows found: one
// comment per subject on a pull request, one issue per environment that drifts. It
// works with the token of a workflow's run and touches only what such runs wrote.
package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	gh "github.com/google/go-github/v79/github"
)

// author is the user that a workflow's token writes as. Nobody else can write as this
// user, so a marker in another user's text is not mistaken for ours.
const author = "github-actions[bot]"

// maxBody is the longest text in characters that GitHub takes.
const maxBody = 65_536

// Client works on the repository of the run that the environment describes.
type Client struct {
	api         *gh.Client
	owner, repo string
	run         string // Markdown: a link to the run, or a text in its place
	eventPath   string
}

// New reads what GitHub sets for each run: GITHUB_REPOSITORY, GITHUB_TOKEN, and, if set,
// GITHUB_API_URL, GITHUB_SERVER_URL, GITHUB_RUN_ID and GITHUB_EVENT_PATH. Waits are
// reported to log. The token is sent only to the API's host and appears in no error.
func New(environ map[string]string, log io.Writer) (*Client, error) {
	owner, repo, ok := strings.Cut(environ["GITHUB_REPOSITORY"], "/")
	if !ok || owner == "" || repo == "" || strings.Contains(repo, "/") {
		return nil, fmt.Errorf("GITHUB_REPOSITORY: got %q, want owner/name", environ["GITHUB_REPOSITORY"])
	}
	if environ["GITHUB_TOKEN"] == "" {
		return nil, errors.New("GITHUB_TOKEN: got none, want the run's token")
	}
	base, err := url.Parse(strings.TrimSuffix(or(environ["GITHUB_API_URL"], "https://api.github.com"), "/") + "/")
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("GITHUB_API_URL: got %q, want a URL", environ["GITHUB_API_URL"])
	}
	c := &Client{
		api:   gh.NewClient(&http.Client{Transport: newTransport(base.Host, environ["GITHUB_TOKEN"], log)}),
		owner: owner, repo: repo,
		run: "by hand", eventPath: environ["GITHUB_EVENT_PATH"],
	}
	c.api.BaseURL = base
	if id := environ["GITHUB_RUN_ID"]; id != "" {
		c.run = fmt.Sprintf("by [run %s](%s/%s/%s/actions/runs/%s)", id,
			or(environ["GITHUB_SERVER_URL"], "https://github.com"), owner, repo, id)
	}
	return c, nil
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// pull is the pull request of the run's event.
type pull struct {
	Number int `json:"number"`
	Head   struct {
		SHA string `json:"sha"`
	} `json:"head"`
}

func (c *Client) pull() (pull, error) {
	var event struct {
		Pull pull `json:"pull_request"`
	}
	text, err := os.ReadFile(c.eventPath)
	if err == nil {
		err = json.Unmarshal(text, &event)
	}
	if err != nil {
		return pull{}, fmt.Errorf("GITHUB_EVENT_PATH: got %q, want the file of an event: %w", c.eventPath, err)
	}
	if event.Pull.Number == 0 {
		return pull{}, errors.New("GITHUB_EVENT_PATH: got an event without pull_request, want one of a pull request")
	}
	return event.Pull, nil
}

// mark begins each of our texts. Markdown does not show it.
func mark(name string) string { return "<!-- portfolio-ops: " + name + " -->\n" }

// isOurs reports whether a run of a workflow wrote a text under a mark.
func isOurs(user *gh.User, body, name string) bool {
	return user.GetLogin() == author && strings.HasPrefix(normal(body), mark(name))
}

// normal undoes the line ends that GitHub's web editor makes.
func normal(body string) string { return strings.ReplaceAll(body, "\r\n", "\n") }

// each calls list for one page after the other.
func each(ctx context.Context, list func(ctx context.Context, page int) (*gh.Response, error)) error {
	for page := 1; page != 0; {
		response, err := list(ctx, page)
		if err != nil {
			return err
		}
		page = response.NextPage
	}
	return nil
}
