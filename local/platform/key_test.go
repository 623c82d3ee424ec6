package platform

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The command runs with the arguments and only the instances' environment.
func TestCreateKey(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "build/machine"), 0o700))
	command := "#!/bin/sh\n" +
		`[ "$DB_HOST$HOME" = db ] || { echo "DB_HOST: got nothing" >&2; exit 2; }` + "\n" +
		`echo "it is shown this once" >&2; echo "$*"` + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(root, machineService), []byte(command), 0o700))
	p := &Platform{root: root, record: &record{Service: map[string]string{"DB_HOST": "db"}}}
	got, err := p.CreateKey(t.Context(), "ann", "two words", "read,feed")
	require.NoError(t, err)
	assert.Equal(t, "key create --owner ann --label two words --scopes read,feed", got)

	p.record.Service = map[string]string{"DB_HOST": ""}
	_, err = p.CreateKey(t.Context(), "ann", "label", "read")
	assert.EqualError(t, err, "portfolio key create: exit status 2: DB_HOST: got nothing")
}
