package github

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// slept makes a client note its waits instead of waiting.
func slept(c *Client) *[]time.Duration {
	var waits []time.Duration
	// The client's own transport, which New made.
	t := c.api.Client().Transport.(*transport)
	t.now = func() time.Time { return time.Unix(1_000_000, 0) }
	t.sleep = func(_ context.Context, d time.Duration) error {
		waits = append(waits, d)
		return nil
	}
	return &waits
}

func TestCommentIsRewritten(t *testing.T) {
	f := newFake(t)
	for i := range 130 { // ours will be on the second page
		f.comment(7, otherUser, fmt.Sprint("remark ", i))
	}
	f.comment(7, otherUser, mark("plan")+"forged") // of another author
	f.comment(8, author, mark("plan")+"of another pull request")
	c, _, _ := f.client(t)
	address, err := c.Comment(t.Context(), "plan", "## First\n")
	require.NoError(t, err)
	ours := f.comments[len(f.comments)-1]
	assert.Equal(t, ours.URL, address)
	assert.Equal(t, 7, ours.issue)
	assert.Equal(t, mark("plan")+"## First\n\n<sub>For 0123456, by [run 42](https://github.test/acme/portfolio/actions/runs/42).</sub>\n", ours.Body)

	_, err = c.Comment(t.Context(), "preview", "other subject")
	require.NoError(t, err)
	count := len(f.comments)
	again, err := c.Comment(t.Context(), "plan", "## Second")
	require.NoError(t, err)
	assert.Equal(t, address, again)
	assert.Len(t, f.comments, count)
	assert.Contains(t, ours.Body, "## Second")
	assert.NotContains(t, ours.Body, "## First")
	assert.Equal(t, mark("plan")+"forged", f.comments[130].Body)

	// The same text is not sent again, even where the editor changed its line ends.
	ours.Body = strings.ReplaceAll(ours.Body, "\n", "\r\n")
	before := len(f.calls)
	_, err = c.Comment(t.Context(), "plan", "## Second")
	require.NoError(t, err)
	for _, call := range f.calls[before:] {
		assert.True(t, strings.HasPrefix(call, "GET "), call)
	}
}

func TestCommentIsCutToWhatGitHubTakes(t *testing.T) {
	f := newFake(t)
	c, _, _ := f.client(t)
	for name, test := range map[string]struct {
		body string
		cut  bool
	}{
		"fits":            {strings.Repeat("ä", 65_000), false},
		"one long line":   {strings.Repeat("ä", 70_000), true},
		"many lines":      {"# Card\n" + strings.Repeat("- a line\n", 10_000), true},
		"in a fold":       {"<details>\n" + strings.Repeat("- a line\n", 10_000) + "</details>\n", true},
		"in a code block": {"text\n```\n" + strings.Repeat("code\n", 20_000) + "```\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.Comment(t.Context(), "plan", test.body)
			require.NoError(t, err)
			got := f.comments[0].Body
			assert.LessOrEqual(t, utf8.RuneCountInString(got), maxBody)
			assert.Greater(t, utf8.RuneCountInString(got), maxBody-1000)
			assert.True(t, utf8.ValidString(got))
			assert.Equal(t, test.cut, strings.Contains(got, "**Cut here: GitHub does not accept a longer text."))
			assert.Equal(t, strings.Count(got, "<details>"), strings.Count(got, "</details>"))
			assert.Zero(t, strings.Count(got, "\n```")%2)
			assert.Contains(t, got, "[run 42]")
		})
	}
}

func TestDriftKeepsOneIssueForEachEnvironment(t *testing.T) {
	f := newFake(t)
	f.issue(otherUser, "Drift: forged", mark("drift-pr3")+"x", "drift")
	f.issue(otherUser, "a person's own", "The coast drifts.", "drift")
	request := f.issue(author, "a pull request", mark("drift-pr1")+"x", "drift")
	request.Pull = map[string]string{"url": "x"}
	closed := f.issue(author, "Drift: pr1", mark("drift-pr1")+"old", "drift")
	closed.State = "closed"
	untouched := len(f.issues)
	c, _, _ := f.client(t)
	drift := func(reports map[string]string, unknown ...string) string {
		t.Helper()
		var out strings.Builder
		require.NoError(t, c.Drift(t.Context(), reports, unknown, &out))
		return out.String()
	}

	assert.Equal(t, "main: drifts, opened #105\npr1: drifts, opened #106\n", drift(map[string]string{"pr1": "## One", "main": "## Main"}))
	assert.Equal(t, []string{"drift"}, f.labels)
	ours := f.issues[untouched:]
	assert.Equal(t, "Drift: main", ours[0].Title)
	assert.Contains(t, ours[0].Body, "## Main")
	assert.True(t, hasLabel(ours[0], "drift"))

	assert.Equal(t, "main: drifts, updated #105\npr1: drifts, updated #106\n", drift(map[string]string{"pr1": "## Two", "main": "## Main"}))
	assert.Len(t, f.issues, untouched+2)
	assert.Contains(t, ours[1].Body, "## Two")
	assert.Equal(t, []string{"drift"}, f.labels)
	assert.Empty(t, f.comments)

	assert.Equal(t, "main: drifts, updated #105\n", drift(map[string]string{"main": "## Main"}, "pr1"), "pr1 was not compared")
	assert.Equal(t, "main: drifts, updated #105\npr1: no longer drifts, closed #106\n", drift(map[string]string{"main": "## Main"}))
	assert.Equal(t, [2]string{"closed", "completed"}, [2]string{ours[1].State, ours[1].Reason})
	require.Len(t, f.comments, 1)
	assert.Equal(t, 106, f.comments[0].issue)
	assert.Contains(t, f.comments[0].Body, "No longer drifts: checked by [run 42]")

	assert.Equal(t, "main: no longer drifts, closed #105\n", drift(nil))
	assert.Empty(t, drift(nil))
	for _, i := range f.issues[:untouched] {
		assert.Equal(t, i == closed, i.State == "closed", i.Title)
	}
	assert.Equal(t, "old", strings.TrimPrefix(closed.Body, mark("drift-pr1")))

	before := len(f.calls)
	require.ErrorContains(t, c.Drift(t.Context(), map[string]string{"pr1 -->": ""}, nil, io.Discard), `got the suffix "pr1 -->"`)
	assert.Len(t, f.calls, before)
}

func TestOpenPulls(t *testing.T) {
	f := newFake(t)
	c, _, _ := f.client(t)
	numbers, err := c.OpenPulls(t.Context(), "")
	require.NoError(t, err)
	assert.Empty(t, numbers)
	for i := range 250 {
		p := f.issue(otherUser, "p", "", map[bool]string{true: "deploy-preview", false: "other"}[i%100 == 0])
		p.Pull = map[string]string{"url": "x"}
		if i%2 == 1 {
			p.State = "closed"
		}
	}
	f.issue(otherUser, "an issue", "", "deploy-preview")
	numbers, err = c.OpenPulls(t.Context(), "")
	require.NoError(t, err)
	assert.Len(t, numbers, 125)
	numbers, err = c.OpenPulls(t.Context(), "deploy-preview")
	require.NoError(t, err)
	assert.Equal(t, []int{101, 201, 301}, numbers)
}

func TestRequestsAreRepeated(t *testing.T) {
	at := func(header map[string]string, status int) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			for name, value := range header {
				w.Header().Set(name, value)
			}
			w.WriteHeader(status)
			fmt.Fprint(w, `{"message":"You have exceeded a secondary rate limit"}`)
		}
	}
	for name, test := range map[string]struct {
		method  string
		failure func(http.ResponseWriter)
		waits   []time.Duration
		err     string
	}{
		"secondary limit":           {"POST", at(map[string]string{"Retry-After": "30"}, 403), []time.Duration{30 * time.Second}, ""},
		"primary limit":             {"GET", at(map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1000020"}, 403), []time.Duration{21 * time.Second}, ""},
		"429 without a time":        {"POST", at(nil, 429), []time.Duration{time.Minute}, ""},
		"a limit of an hour":        {"GET", at(map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1003600"}, 403), nil, "403"},
		"no right":                  {"GET", at(nil, 403), nil, "403"},
		"server error on reading":   {"GET", at(nil, 502), []time.Duration{time.Second}, ""},
		"server error on creating":  {"POST", at(nil, 502), nil, "502"},
		"server error on rewriting": {"PATCH", at(nil, 503), []time.Duration{time.Second}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			if test.method == "PATCH" {
				f.comment(7, author, mark("plan")+"old")
			}
			failed := false
			f.answer = func(w http.ResponseWriter, r *http.Request, _ int) bool {
				if failed || r.Method != test.method {
					return false
				}
				failed = true
				test.failure(w)
				return true
			}
			c, waits, log := f.client(t)
			_, err := c.Comment(t.Context(), "plan", "text")
			require.True(t, failed)
			assert.Equal(t, test.waits, *waits)
			assert.NotContains(t, log.String(), token)
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
				return
			}
			require.NoError(t, err)
			assert.Contains(t, log.String(), "trying again in")
			assert.Len(t, f.comments, 1)
			assert.Contains(t, f.comments[0].Body, "text")
		})
	}
}

func TestRequestsAreNotRepeatedForEver(t *testing.T) {
	f := newFake(t)
	f.answer = func(w http.ResponseWriter, _ *http.Request, _ int) bool {
		w.WriteHeader(http.StatusBadGateway)
		return true
	}
	c, waits, _ := f.client(t)
	_, err := c.OpenPulls(t.Context(), "")
	require.ErrorContains(t, err, "502")
	assert.Equal(t, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}, *waits)
	assert.Len(t, f.calls, attempts)
}

// A redirect to another host does not carry the token there, and no error shows it.
func TestTokenStaysWithItsHost(t *testing.T) {
	var got http.Header
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		w.WriteHeader(http.StatusTeapot)
	}))
	t.Cleanup(elsewhere.Close)
	f := newFake(t)
	f.answer = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		http.Redirect(w, r, elsewhere.URL+"/there", http.StatusTemporaryRedirect)
		return true
	}
	c, _, log := f.client(t)
	_, err := c.OpenPulls(t.Context(), "")
	require.Error(t, err)
	require.NotNil(t, got)
	assert.Empty(t, got.Get("Authorization"))
	assert.NotContains(t, err.Error()+log.String(), token)

	f.answer = nil
	environ := f.environ(t)
	environ["GITHUB_TOKEN"] = token + "wrong"
	c, err = New(environ, io.Discard)
	require.NoError(t, err)
	_, err = c.OpenPulls(t.Context(), "")
	require.ErrorContains(t, err, "401 Bad credentials")
	assert.NotContains(t, err.Error(), token)
}

func TestNewAndEventRefuse(t *testing.T) {
	f := newFake(t)
	for name, test := range map[string]struct{ variable, value, want string }{
		"no repository":  {"GITHUB_REPOSITORY", "", `GITHUB_REPOSITORY: got "", want owner/name`},
		"odd repository": {"GITHUB_REPOSITORY", "a/b/c", `GITHUB_REPOSITORY: got "a/b/c"`},
		"no token":       {"GITHUB_TOKEN", "", "GITHUB_TOKEN: got none"},
		"no address":     {"GITHUB_API_URL", "api", `GITHUB_API_URL: got "api", want a URL`},
		"no event":       {"GITHUB_EVENT_PATH", "none.json", `GITHUB_EVENT_PATH: got "none.json"`},
		"no pull":        {"GITHUB_EVENT_PATH", "testdata/push.json", "got an event without pull_request"},
		"odd marker":     {"marker", "a -->", `marker: got "a -->"`},
	} {
		t.Run(name, func(t *testing.T) {
			environ, marker := maps.Clone(f.environ(t)), "plan"
			environ[test.variable] = test.value
			if test.variable == "marker" {
				marker = test.value
			}
			c, err := New(environ, io.Discard)
			if err == nil {
				_, err = c.Comment(t.Context(), marker, "text")
			}
			require.ErrorContains(t, err, test.want)
			assert.Empty(t, f.calls)
		})
	}
}

func TestShort(t *testing.T) {
	for sha, want := range map[string]string{"": "an unknown commit", strconv.Itoa(12345678): "1234567"} {
		assert.Equal(t, want, short(sha), "short(%q)", sha)
	}
}
