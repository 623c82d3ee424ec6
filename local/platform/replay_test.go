package platform

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pretend writes what a running platform leaves at a place: its outputs and its record.
func pretend(t *testing.T, r *record) Place {
	t.Helper()
	at := Place{Root: t.TempDir()}
	folder := filepath.Join(at.Root, ".local")
	require.NoError(t, os.Mkdir(folder, 0o700))
	started, err := startOf(os.Getpid())
	require.NoError(t, err)
	r.Processes = []process{{Name: "service-1", PID: os.Getpid(), Started: started}}
	for name, content := range map[string]any{"outputs.json": &Platform{Suffix: "local"}, "processes.json": r} {
		text, err := json.Marshal(content)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), text, 0o600))
	}
	return at
}

func TestOneReplayAtATime(t *testing.T) {
	at := pretend(t, &record{})
	first, err := at.NewReplay()
	require.NoError(t, err)
	_, err = at.NewReplay()
	assert.ErrorAs(t, err, &BadInput{})
	assert.EqualError(t, err, "got a second make demo, want one at a time")
	require.NoError(t, first.End(), "nothing was started")
	second, err := at.NewReplay()
	require.NoError(t, err)
	assert.NoError(t, second.End())
}

// A replay ends after its platform, which is not started again.
func TestReplayOfAPlatformThatWasStopped(t *testing.T) {
	at := pretend(t, &record{})
	r, err := at.NewReplay()
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(at.Root, ".local", "outputs.json")))
	require.NoError(t, r.Start(t.Context(), []byte("time,symbol,price,currency\n")))
	require.NoError(t, r.End())
	assert.NoFileExists(t, filepath.Join(at.Root, ".local", "market.csv"))
	_, err = at.NewReplay()
	assert.ErrorIs(t, err, ErrDown)
}

// Keys are not recorded, so instances that have some are not restarted.
func TestNoReplayOfAPlatformWithKeys(t *testing.T) {
	_, err := pretend(t, &record{SourceKeys: true}).NewReplay()
	assert.ErrorAs(t, err, &BadInput{})
	assert.ErrorContains(t, err, "QUOTE_SOURCE_KEYS: got a platform with keys of sources")
}
