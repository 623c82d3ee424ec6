package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGithubCommand(t *testing.T) {
	pulls := "[]"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/repos/acme/portfolio/pulls", r.URL.Path)
		fmt.Fprint(w, pulls)
	}))
	t.Cleanup(server.Close)
	environ := map[string]string{"GITHUB_API_URL": server.URL,
		"GITHUB_REPOSITORY": "acme/portfolio", "GITHUB_TOKEN": "t"}
	blank := filepath.Join(t.TempDir(), "blank.md")
	require.NoError(t, os.WriteFile(blank, []byte(" \n"), 0o600))
	for name, test := range map[string]struct {
		pulls         string
		environ       map[string]string
		args          []string
		status        int
		out, problems string
	}{
		"none":            {"[]", environ, []string{"open-pulls"}, 0, "none\n", ""},
		"some":            {`[{"number":15},{"number":12}]`, environ, []string{"open-pulls"}, 0, "12,15\n", ""},
		"by label":        {`[{"number":15,"labels":[{"name":"other"}]},{"number":12,"labels":[{"name":"mine"}]}]`, environ, []string{"open-pulls", "--label", "mine"}, 0, "12\n", ""},
		"none by label":   {`[{"number":15}]`, environ, []string{"open-pulls", "--label", "mine"}, 0, "none\n", ""},
		"no answer":       {`{`, environ, []string{"open-pulls"}, exitFailed, "", "ops: open pull requests: "},
		"no token":        {"[]", map[string]string{"GITHUB_REPOSITORY": "acme/portfolio"}, []string{"open-pulls"}, exitUsage, "", "ops: GITHUB_TOKEN: got none"},
		"help":            {"[]", nil, []string{"--help"}, 0, "Acts on the repository of a workflow's run", ""},
		"help of one":     {"[]", nil, []string{"drift", "--help"}, 0, "Keeps one open issue, labelled drift, for each environ", ""},
		"nothing":         {"[]", nil, nil, exitUsage, "", "ops: github: got no command, want check-head, comment,"},
		"unknown":         {"[]", nil, []string{"merge"}, exitUsage, "", `ops: github: got "merge", want check-head, comment, drift, open-pulls or unlock; see ops github`},
		"mistyped":        {"[]", nil, []string{"open-pull"}, exitUsage, "", `ops: github: got "open-pull", want a command (did you mean open-pulls?); see ops github`},
		"no marker":       {"[]", environ, []string{"comment", blank}, exitUsage, "", "ops: github comment: --marker: got nothing, want a name; see ops github comment --help\n"},
		"no file":         {"[]", environ, []string{"comment", "--marker", "plan"}, exitUsage, "", "ops: github comment: got no argument, want one FILE or -; see ops github comment --help\n"},
		"another's flag":  {"[]", environ, []string{"drift", "--label", "x", "."}, exitUsage, "", "ops: github drift: unknown flag: --label; see ops github drift --help\n"},
		"an empty text":   {"[]", environ, []string{"comment", "--marker", "plan", blank}, exitFailed, "", "ops: " + blank + ": got an empty text, want Markdown\n"},
		"no such folder":  {"[]", environ, []string{"drift", "none"}, exitFailed, "", "ops: none: "},
		"not a report":    {"[]", environ, []string{"drift", "plan"}, exitFailed, "", "ops: plan: got card.go, want only files SUFFIX.md and SUFFIX.failed\n"},
		"a missing file":  {"[]", environ, []string{"comment", "--marker", "plan", "none.md"}, exitFailed, "", "ops: open none.md: "},
		"too many values": {"[]", environ, []string{"open-pulls", "12"}, exitUsage, "", "ops: github open-pulls: got \"12\", want no argument; see ops github open-pulls --help\n"},
	} {
		t.Run(name, func(t *testing.T) {
			pulls = test.pulls
			status, out, problems := runOps(t, test.environ, append([]string{"github"}, test.args...)...)
			assert.Equal(t, test.status, status)
			assert.Equal(t, test.out, out[:min(len(out), len(test.out))])
			assert.Equal(t, test.out == "", out == "")
			assert.Equal(t, test.problems, problems[:min(len(problems), len(test.problems))])
		})
	}
}

func TestDriftReports(t *testing.T) {
	reports, unknown, err := driftReports(fstest.MapFS{"pr1.md": {Data: []byte("one")},
		"main.md": {Data: []byte("two")}, "pr2.failed": {}})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"pr1": "one", "main": "two"}, reports)
	assert.Equal(t, []string{"pr2"}, unknown)
	reports, unknown, err = driftReports(fstest.MapFS{})
	require.NoError(t, err)
	assert.Empty(t, reports)
	assert.Empty(t, unknown)
}
