package postgres_test

import (
	"context"
	"errors"
	"log"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"portfolio/backend/postgres"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMigrateFromProcesses starts this test binary several times at once on an
// empty database, as the instances of a deploy start.
func TestMigrateFromProcesses(t *testing.T) {
	name := database(t)
	var processes sync.WaitGroup
	for range 4 {
		processes.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), "MIGRATE_DATABASE="+name,
				"MIGRATE_PORT="+strconv.Itoa(server.Port), "MIGRATE_CA="+server.CAFile)
			out, err := cmd.CombinedOutput()
			assert.NoError(t, err, "%s", out)
		})
	}
	processes.Wait()

	var version, rows int
	require.NoError(t, inspect(t, name).QueryRow(t.Context(),
		"select max(version), count(*) from public.schema_version").Scan(&version, &rows))
	migrations, err := os.ReadDir("migrations")
	require.NoError(t, err)
	assert.Equal(t, []int{len(migrations), 1}, []int{version, rows})
}

// migrateOnly is what a child process does. On error, it exits.
func migrateOnly(name string) {
	port, err := strconv.Atoi(os.Getenv("MIGRATE_PORT"))
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	db, err := postgres.Open(ctx, configAt(name, port, os.Getenv("MIGRATE_CA")))
	if err != nil {
		log.Fatal(err)
	}
	if err := errors.Join(db.Migrate(ctx), db.Check(ctx)); err != nil {
		log.Fatal(err)
	}
}

// A schema that a newer version of the program has migrated is not changed.
func TestMigrateNeverGoesBack(t *testing.T) {
	name := database(t)
	db := open(t, config(name))
	require.NoError(t, db.Migrate(t.Context()))
	conn := inspect(t, name)
	_, err := conn.Exec(t.Context(), "update public.schema_version set version = 1000")
	require.NoError(t, err)

	older := open(t, config(name))
	require.NoError(t, older.Migrate(t.Context()))
	require.NoError(t, older.Check(t.Context()))
	var version int
	require.NoError(t, conn.QueryRow(t.Context(), "select version from public.schema_version").Scan(&version))
	assert.Equal(t, 1000, version)
}

// Each migration has its own number, and none has a way back.
func TestMigrationsAreForwardOnly(t *testing.T) {
	files, err := os.ReadDir("migrations")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for i, f := range files {
		text, err := os.ReadFile("migrations/" + f.Name())
		require.NoError(t, err)
		assert.NotContains(t, string(text), "drop below", f.Name())
		number, _, _ := strings.Cut(f.Name(), "_")
		assert.Equal(t, i+1, must(strconv.Atoi(number)), f.Name())
	}
}

func must(n int, err error) int {
	if err != nil {
		panic(err)
	}
	return n
}
