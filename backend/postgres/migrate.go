package postgres

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/tern/v2/migrate"
)

//go:embed migrations/*.sql
var migrations embed.FS

const (
	versionTable   = "public.schema_version"
	migrateTimeout = 10 * time.Minute // including the wait for another instance
)

// Migrate brings the schema to this program's version. If several programs
// start at once, one migrates under an advisory lock while the others wait. Migrate
// never goes back: it leaves a schema unchanged that a newer version of the program,
// which runs at the same time, has migrated. So a migration must keep the previous
// version of the program working.
func (db *DB) Migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if err := db.migrate(ctx, files); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	db.migrated.Store(true)
	return nil
}

func (db *DB) migrate(ctx context.Context, files fs.FS) error {
	ctx, cancel := context.WithTimeout(ctx, migrateTimeout)
	defer cancel()
	conn, err := db.connect(ctx)
	if err != nil {
		return err
	}
	// Locks end with the connection, whatever happens.
	defer conn.Close(context.WithoutCancel(ctx))
	migrator, err := migrate.NewMigrator(ctx, conn, versionTable)
	if err != nil {
		return err
	}
	if err := migrator.LoadMigrations(files); err != nil {
		return err
	}
	version, err := migrator.GetCurrentVersion(ctx)
	if err != nil {
		return err
	}
	if int(version) >= len(migrator.Migrations) {
		return nil
	}
	return migrator.Migrate(ctx)
}

// connect opens a connection outside the pool whose statements may take long.
func (db *DB) connect(ctx context.Context) (*pgx.Conn, error) {
	config := db.pool.Config()
	if err := config.BeforeConnect(ctx, config.ConnConfig); err != nil {
		return nil, err
	}
	delete(config.ConnConfig.RuntimeParams, "statement_timeout")
	return pgx.ConnectConfig(ctx, config.ConnConfig)
}
