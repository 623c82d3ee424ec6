package github

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// clientOf returns a client of a server that answers one path.
func clientOf(t *testing.T, answer http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	c, err := New(map[string]string{"GITHUB_API_URL": server.URL, "GITHUB_REPOSITORY": "acme/portfolio",
		"GITHUB_TOKEN": "t"}, &httptest.ResponseRecorder{})
	require.NoError(t, err)
	return c
}

func TestRunsOver(t *testing.T) {
	lock := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		status, started string
		want            bool
	}{
		"none":              {"", "", true},
		"started before":    {"in_progress", "2026-01-02T02:00:00Z", false},
		"started then":      {"in_progress", "2026-01-02T03:00:00Z", false},
		"started since":     {"in_progress", "2026-01-02T03:00:01Z", true},
		"waits for a human": {"waiting", "2026-01-02T02:00:00Z", false},
		"queued":            {"queued", "2026-01-02T02:00:00Z", false},
	} {
		asked := 0
		c := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
			asked++
			assert.Equal(t, "/repos/acme/portfolio/actions/runs", r.URL.Path)
			runs := ""
			if test.status == r.URL.Query().Get("status") {
				runs = fmt.Sprintf(`{"run_started_at":%q}`, test.started)
			}
			fmt.Fprintf(w, `{"workflow_runs":[%s]}`, runs)
		})
		got, err := c.RunsOver(t.Context(), lock)
		require.NoError(t, err, name)
		assert.Equal(t, test.want, got, name)
		assert.Equal(t, len(unfinished), asked, name)
	}
	c := clientOf(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	_, err := c.RunsOver(t.Context(), lock)
	require.ErrorContains(t, err, "runs that are in_progress: ")
}

func TestIsHead(t *testing.T) {
	c := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/repos/acme/portfolio/git/ref/heads/main", r.URL.Path)
		fmt.Fprint(w, `{"ref":"refs/heads/main","object":{"sha":"abc"}}`)
	})
	for commit, want := range map[string]bool{"abc": true, "abd": false, "": false} {
		got, err := c.IsHead(t.Context(), "main", commit)
		require.NoError(t, err)
		assert.Equal(t, want, got, commit)
	}
}
