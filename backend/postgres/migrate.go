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
	migrateTimeout = 10 * time.Minute // waiting for another instance's turn included
)

// Migrate brings the schema to this program's version. Of several programs that
// start at once one migrates, under an advisory lock, while the others wait. It
// only ever goes forward: a schema that is ahead, because a newer version of the
// program runs beside this one, is left alone, so a migration has to keep the
// version before it working.
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

// connect makes a connection outside the pool whose statements may take long.
func (db *DB) connect(ctx context.Context) (*pgx.Conn, error) {
	config := db.pool.Config()
	if err := config.BeforeConnect(ctx, config.ConnConfig); err != nil {
		return nil, err
	}
	delete(config.ConnConfig.RuntimeParams, "statement_timeout")
	return pgx.ConnectConfig(ctx, config.ConnConfig)
}
