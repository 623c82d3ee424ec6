package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/tern/v2/migrate"
)

//go:embed migrations/*.sql
var migrations embed.FS

const (
	versionTable   = "public.schema_version"
	migrateTimeout = 10 * time.Minute // including the wait for another instance
)

// Migrate brings the schema to this program's version, as the database's owner, and
// grants the service's role what it needs; it creates the role if necessary. If several
// programs start at once, one migrates under an advisory lock while the others wait.
// Migrate never goes back: it leaves a schema unchanged that a newer version of the
// program, which runs at the same time, has migrated. So a migration must keep the
// previous version of the program working.
func (db *DB) Migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if db.owner == nil {
		return errors.New("migrate: the credentials of the database's owner are missing")
	}
	if err := db.owner.migrate(ctx, files); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	db.migrated.Store(true)
	return nil
}

func (o *owner) migrate(ctx context.Context, files fs.FS) error {
	ctx, cancel := context.WithTimeout(ctx, migrateTimeout)
	defer cancel()
	conn, err := o.connect(ctx)
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
	if int(version) < len(migrator.Migrations) {
		if err := migrator.Migrate(ctx); err != nil {
			return err
		}
	}
	username, password, err := o.service(ctx)
	if err != nil {
		return &credentialsError{err}
	}
	return o.grant(ctx, conn, username, password)
}
