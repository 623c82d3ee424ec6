package postgres

import (
	"context"
	"fmt"
	"sync"

	"portfolio/contract/scram"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// owner is the role that owns the database and everything in it. It migrates the
// schema and grants the service's role what the service needs, and is used for nothing
// else: the service cannot change a table, or the trigger that guards the audit.
type owner struct {
	config      *pgx.ConnConfig
	credentials Credentials
	service     Credentials

	mu      sync.Mutex
	given   string // the password that the service's role was given last; "" for none
	refused bool   // the server refused it since, as after a restore from a snapshot
}

// roleLock is held by the program that changes the service's role.
const roleLock = 0x726f6c65

// connect makes a connection whose statements may take long.
func (o *owner) connect(ctx context.Context) (*pgx.Conn, error) {
	config := o.config.Copy()
	var err error
	if config.User, config.Password, err = o.credentials(ctx); err != nil {
		return nil, &credentialsError{err}
	}
	delete(config.RuntimeParams, "statement_timeout")
	return pgx.ConnectConfig(ctx, config)
}

// renew sets the password of the service's role if the secret has another one than it
// was given last, or if the server refused that one. It does nothing before the first
// Migrate, or without an owner.
func (o *owner) renew(ctx context.Context, username, password string) error {
	if o == nil {
		return nil
	}
	o.mu.Lock()
	valid := o.given == "" || o.given == password && !o.refused
	o.mu.Unlock()
	if valid {
		return nil
	}
	conn, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return o.grant(ctx, conn, username, password)
}

// invalidPassword is PostgreSQL's code of a refused password.
const invalidPassword = "28P01"

// watch makes the next connection renew a password that the server refuses.
func (o *owner) watch(config *pgx.ConnConfig) {
	handle := config.OnPgError
	config.OnPgError = func(conn *pgconn.PgConn, err *pgconn.PgError) bool {
		if err.Code == invalidPassword {
			o.mu.Lock()
			o.refused = true
			o.mu.Unlock()
		}
		return handle(conn, err)
	}
}

// grant creates the service's role if there is none, gives it its password, and lets
// it use what there is: read and write rows, but only read the schema's version, and
// only read and add to the audit.
func (o *owner) grant(ctx context.Context, conn *pgx.Conn, username, password string) error {
	if username == conn.Config().User {
		return fmt.Errorf("role of the service: got %.64q, which owns the database, want another one", username)
	}
	// The server gets a verifier: it logs statements that change roles.
	verifier, err := scram.Verifier(password)
	if err != nil {
		return err
	}
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1)", int64(roleLock)); err != nil {
			return err
		}
		var exists bool
		if err := tx.QueryRow(ctx, "select exists (select from pg_roles where rolname = $1)",
			username).Scan(&exists); err != nil {
			return err
		}
		role := pgx.Identifier{username}.Sanitize()
		database := pgx.Identifier{conn.Config().Database}.Sanitize()
		statements := []string{
			"alter role " + role + " login password '" + verifier + "'",
			"revoke create, temporary on database " + database + " from public",
			"revoke create on schema public from public",
			"grant connect on database " + database + " to " + role,
			"grant usage on schema public to " + role,
			"grant select, insert, update, delete on all tables in schema public to " + role,
			"grant usage on all sequences in schema public to " + role,
			"revoke insert, update, delete on " + versionTable + " from " + role,
			"revoke update, delete on audit from " + role,
		}
		if !exists {
			statements = append([]string{"create role " + role}, statements...)
		}
		for _, statement := range statements {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("role of the service: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.given, o.refused = password, false
	return nil
}
