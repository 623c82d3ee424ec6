package platform

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestUpAndDownNeedTheLock(t *testing.T) {
	root := t.TempDir()
	p, err := at(root)
	require.NoError(t, err)
	unlock, err := p.lock()
	require.NoError(t, err)
	const busy = "somebody else is starting or stopping the platform of this checkout"
	_, err = Up(t.Context(), Options{Root: root})
	assert.EqualError(t, err, busy)
	assert.EqualError(t, Down(root), busy)
	unlock()
	assert.NoError(t, Down(root))
	assert.NoError(t, Down(root), "again")
}

func TestDownNeedsNoConfiguration(t *testing.T) {
	t.Setenv("ENVIRONMENT_SUFFIX", "NOT_GOOD")
	root := t.TempDir()
	assert.NoError(t, Down(root))
	running, err := Running(root)
	assert.NoError(t, err)
	assert.Empty(t, running)
	_, err = Up(t.Context(), Options{Root: root})
	assert.ErrorAs(t, err, &BadInput{})
}

func TestOpenTellsRunningFromDead(t *testing.T) {
	t.Setenv("ENVIRONMENT_SUFFIX", "")
	root := t.TempDir()
	_, err := Open(root)
	assert.ErrorIs(t, err, ErrDown)

	p, err := at(root)
	require.NoError(t, err)
	launch(t, p.record, "service-1", "sleep 60")
	_, err = Open(root)
	assert.ErrorIs(t, err, ErrDown, "an Up that has not ended well")
	require.NoError(t, writeJSON(p.outputsFile(), &Platform{Suffix: "pr7", Outputs: map[string]json.RawMessage{"vpc-id": json.RawMessage(`"vpc-1"`)}}))
	opened, err := Open(root)
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(root, ".local/stacks/portfolio-pr7"), opened.StackFolder())
	id, err := opened.Output("vpc-id")
	require.NoError(t, err)
	assert.Equal(t, "vpc-1", id)
	_, err = opened.Output("nothing")
	assert.ErrorContains(t, err, "output nothing")

	require.NoError(t, p.record.Processes[0].stop())
	_, err = Open(root)
	assert.ErrorIs(t, err, ErrDown, "a part of it has died")
	assert.NoError(t, Down(root))
	assert.NoFileExists(t, p.outputsFile())
}

func TestEnvironmentOfUserData(t *testing.T) {
	got, err := parseEnvironment(`#!/bin/bash
cat > /etc/portfolio/portfolio.env <<'EOF'
DB_HOST='localhost'
QUOTE_TTL='60s'
EMPTY=''
EOF
echo NO='this'
`)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"DB_HOST": "localhost", "QUOTE_TTL": "60s", "EMPTY": ""}, got)

	_, err = parseEnvironment("#!/bin/bash\n")
	assert.EqualError(t, err, "user data writes no /etc/portfolio/portfolio.env")
	_, err = parseEnvironment("cat > /etc/portfolio/portfolio.env <<'EOF'\nDB_HOST\nEOF\n")
	assert.ErrorContains(t, err, "want NAME='value'")
}

func TestGetWantsOK(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ready" {
			http.Error(w, "no database", http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	assert.NoError(t, get(t.Context(), server.URL+"/health"))
	assert.ErrorContains(t, get(t.Context(), server.URL+"/ready"), "503 Service Unavailable no database")
}

func TestProvidersFollowTheMirror(t *testing.T) {
	here := t.TempDir()
	for _, version := range []string{"4.67.0", "5.99.1", "5.100.0", "6.1.0", "readme"} {
		require.NoError(t, os.MkdirAll(filepath.Join(here, registry, "aws", version, platformName()), 0o755))
	}
	assert.Equal(t, filepath.Join(here, registry, "aws/5.100.0", platformName()), awsProvider.find([]string{t.TempDir(), here}))
	assert.Empty(t, archiveProvider.find([]string{here}))

	root := t.TempDir()
	for range 2 { // the second time over the first
		require.NoError(t, link(root, "aws", awsProvider.find([]string{here})))
		target, err := os.Readlink(filepath.Join(root, mirror, registry, "aws/5.100.0", platformName()))
		require.NoError(t, err)
		assert.Equal(t, filepath.Join(here, registry, "aws/5.100.0", platformName()), target)
	}
}
