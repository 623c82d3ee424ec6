package platform

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"portfolio/config"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestUpAndDownNeedTheLock(t *testing.T) {
	root := t.TempDir()
	at := Place{Root: root}
	p, err := at.open()
	require.NoError(t, err)
	unlock, err := p.lock()
	require.NoError(t, err)
	busy := filepath.Join(root, ".local") + ": another program is starting or stopping the platform"
	_, err = at.Up(t.Context(), Options{})
	assert.EqualError(t, err, busy)
	assert.EqualError(t, at.Down(), busy)
	other := Place{Root: root, Folder: "other"}
	assert.NoError(t, other.Down(), "a platform of another folder")
	unlock()
	assert.NoError(t, at.Down())
	assert.NoError(t, at.Down(), "again")
}

func TestDownNeedsNoConfiguration(t *testing.T) {
	t.Setenv("ENVIRONMENT_SUFFIX", "NOT_GOOD")
	at := Place{Root: t.TempDir()}
	assert.NoError(t, at.Down())
	running, err := at.Running()
	assert.NoError(t, err)
	assert.Empty(t, running)
	_, err = at.Up(t.Context(), Options{})
	assert.ErrorAs(t, err, &BadInput{})
}

func TestOpenNeedsEveryProcess(t *testing.T) {
	t.Setenv("ENVIRONMENT_SUFFIX", "")
	root := t.TempDir()
	at := Place{Root: root}
	_, err := at.Open()
	assert.ErrorIs(t, err, ErrDown)

	p, err := at.open()
	require.NoError(t, err)
	p.record.Ports.Emulator = 23456
	launch(t, p.record, "service-1", "sleep 60")
	_, err = at.Open()
	assert.ErrorIs(t, err, ErrDown, "an Up that failed")
	require.NoError(t, writeJSON(p.outputsFile(),
		&Platform{Suffix: "pr7", Outputs: map[string]json.RawMessage{"vpc-id": json.RawMessage(`"vpc-1"`)}}))
	opened, err := at.Open()
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(root, ".local/app/stacks/portfolio-pr7"), opened.StackFolder())
	assert.Equal(t, "http://127.0.0.1:23456", opened.environ["AWS_ENDPOINT_URL"], "where it listens")
	id, err := opened.Output("vpc-id")
	require.NoError(t, err)
	assert.Equal(t, "vpc-1", id)
	_, err = opened.Output("nothing")
	assert.ErrorContains(t, err, "output nothing")

	require.NoError(t, p.record.Processes[0].stop())
	_, err = at.Open()
	assert.ErrorIs(t, err, ErrDown, "a process of it has ended")
	assert.NoError(t, at.Down())
	assert.NoFileExists(t, p.outputsFile())
}

func TestUpNeedsWhatMakeBuilds(t *testing.T) {
	t.Setenv("ENVIRONMENT_SUFFIX", "")
	_, err := Place{Root: t.TempDir()}.Up(t.Context(), Options{})
	assert.ErrorAs(t, err, &BadInput{})
	for _, made := range []string{cloudService, machineService, machineLambda, "build/tools/python/bin/python"} {
		assert.ErrorContains(t, err, made+": got none, want what `make local` builds")
	}
}

// The stack names ../../../build, seen from its folder. What is uploaded is the build
// for the cloud, but for the Lambda, which the emulator runs here.
func TestWhatIsUploaded(t *testing.T) {
	root := t.TempDir()
	for _, built := range []string{"build/lambda/bootstrap", "build/backend/portfolio", "build/machine/portfolio", "build/machine/bootstrap"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(root, built)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, built), []byte(built), 0o755))
	}
	p, err := Place{Root: root, Folder: "some/where"}.open()
	require.NoError(t, err)
	p.names = config.NewNames("local")
	require.NoError(t, os.MkdirAll(p.StackFolder(), 0o755))
	for range 2 { // the second time over the first
		require.NoError(t, p.copyBuilt())
	}
	for uploaded, want := range map[string]string{"lambda/bootstrap": "build/machine/bootstrap", "backend/portfolio": "build/backend/portfolio"} {
		path := filepath.Join(p.StackFolder(), "../../../build", uploaded)
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, want, string(text))
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o111), info.Mode()&0o111, "executable")
	}
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
	assert.EqualError(t, err, "user data does not write /etc/portfolio/portfolio.env")
	_, err = parseEnvironment("cat > /etc/portfolio/portfolio.env <<'EOF'\nDB_HOST\nEOF\n")
	assert.ErrorContains(t, err, "want NAME='value'")
}

func TestGetExpectsStatus200(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ready" {
			http.Error(w, "no database", http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	assert.NoError(t, get(t.Context(), server.URL+"/health"))
	assert.ErrorContains(t, get(t.Context(), server.URL+"/ready"), "got 503 Service Unavailable, want 200 OK: no database")
}

func TestTheNewestAllowedProviderIsLinked(t *testing.T) {
	here := t.TempDir()
	for _, version := range []string{"4.67.0", "5.99.1", "5.100.0", "6.1.0", "readme"} {
		require.NoError(t, os.MkdirAll(filepath.Join(here, registry, "aws", version, platformName()), 0o755))
	}
	assert.Equal(t, filepath.Join(here, registry, "aws/5.100.0", platformName()),
		awsProvider.find([]string{t.TempDir(), here}))
	assert.Empty(t, archiveProvider.find([]string{here}))

	root := t.TempDir()
	for range 2 { // the second time over the first
		require.NoError(t, link(root, "aws", awsProvider.find([]string{here})))
		target, err := os.Readlink(filepath.Join(root, mirror, registry, "aws/5.100.0", platformName()))
		require.NoError(t, err)
		assert.Equal(t, filepath.Join(here, registry, "aws/5.100.0", platformName()), target)
	}
}

// No source is asked unless one was named.
func TestSourceSettings(t *testing.T) {
	assert.Equal(t, map[string]string{"QUOTE_SOURCES": "none"},
		sourceSettings(map[string]string{"PATH": "/bin", "QUOTE_SOURCES": ""}))
	named := map[string]string{"QUOTE_SOURCES": "twelvedata", "QUOTE_SOURCE_URLS": `{"twelvedata":"http://localhost"}`}
	keyed := maps.Clone(named)
	keyed["QUOTE_SOURCE_KEYS"] = `{"twelvedata":"key"}`
	assert.Equal(t, named, sourceSettings(keyed), "the keys are not recorded")
}
