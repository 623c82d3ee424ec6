package postgres_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"portfolio/backend"
	"portfolio/backend/postgres"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// serviceOf is a connection as the service's role.
func serviceOf(t *testing.T, name string) *pgx.Conn {
	conn, err := pgx.Connect(t.Context(), server.URL(name, name+"_service", "service secret"))
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// The service's role owns nothing: it can change no table and no trigger, and of the
// audit it can only read and add rows.
func TestServiceOwnsNothing(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	portfolio(t, db, member(t, db, "alice")) // leaves a line in the audit
	name := strings.ToLower(t.Name())
	service := serviceOf(t, name)
	const denied, duplicate = "42501", "23505"
	for statement, code := range map[string]string{
		"drop table audit":                             denied,
		"drop trigger audit_is_append_only on audit":   denied,
		"alter table audit disable trigger all":        denied,
		"alter table audit drop column owner":          denied,
		"alter table audit owner to current_user":      denied,
		"drop function audit_is_append_only() cascade": denied,
		"create or replace function audit_is_append_only() returns trigger language plpgsql as 'begin return null; end'": denied,
		"set session_replication_role = replica":          denied,
		"truncate audit":                                  denied,
		"delete from audit":                               denied,
		"update audit set action = ''":                    denied,
		"truncate portfolios cascade":                     denied,
		"alter table portfolios add column more text":     denied,
		"create index more on portfolios (name)":          denied,
		"create table more (id int)":                      denied,
		"create temporary table more (id int)":            denied,
		"create schema more":                              denied,
		"create role more":                                denied,
		"grant select on audit to public":                 "",
		"update schema_version set version = 0":           denied,
		"delete from schema_version":                      denied,
		"drop schema public cascade":                      denied,
		`drop database "` + name + `"`:                    denied,
		"set role " + name:                                denied,
		`alter role "` + name + `" password 'x'`:          denied,
		"insert into portfolios select * from portfolios": duplicate,
	} {
		_, err := service.Exec(ctx, statement)
		if code == "" {
			require.NoError(t, err, statement) // a warning that nothing was granted
			continue
		}
		refused := (*pgconn.PgError)(nil)
		if assert.ErrorAs(t, err, &refused, statement) {
			assert.Equal(t, code, refused.Code, "%s: %v", statement, err)
		}
	}
	var owned, lines int
	require.NoError(t, service.QueryRow(ctx, `
		select (select count(*) from pg_class where pg_get_userbyid(relowner) = current_user),
			(select count(*) from audit)`).Scan(&owned, &lines))
	assert.Zero(t, owned)
	assert.Positive(t, lines)
	var public bool
	require.NoError(t, service.QueryRow(ctx,
		"select coalesce(bool_or(grantee = 'PUBLIC'), false) from information_schema.role_table_grants where table_name = 'audit'").Scan(&public))
	assert.False(t, public)
}

// Whatever a migration adds can be used by the service, and only by the service.
func TestEveryTableIsGranted(t *testing.T) {
	migrated(t)
	conn := serviceOf(t, strings.ToLower(t.Name()))
	rows, err := conn.Query(t.Context(), `
		select relname, has_table_privilege(oid, 'select'), has_table_privilege(oid, 'insert'),
			has_table_privilege(oid, 'update'), has_table_privilege(oid, 'delete')
		from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' order by relname`)
	require.NoError(t, err)
	type table struct {
		Name                           string
		Select, Insert, Update, Delete bool
	}
	tables, err := pgx.CollectRows(rows, pgx.RowToStructByPos[table])
	require.NoError(t, err)
	assert.Greater(t, len(tables), 15)
	for _, got := range tables {
		want := table{got.Name, true, true, true, true}
		switch got.Name {
		case "audit":
			want = table{got.Name, true, true, false, false}
		case "schema_version":
			want = table{got.Name, true, false, false, false}
		}
		assert.Equal(t, want, got)
	}
}

// A database whose tables the service owned before it had a role of its own.
func TestServiceGetsItsRole(t *testing.T) {
	name, ctx := database(t), t.Context()
	c := config(name)
	require.NoError(t, open(t, c).Migrate(ctx))
	c.Credentials = as(name+"_other", "other secret")
	var starting sync.WaitGroup
	for range 4 { // instances that start at once
		starting.Go(func() {
			db := open(t, c)
			assert.NoError(t, db.Migrate(ctx))
			assert.NoError(t, db.Check(ctx))
		})
	}
	starting.Wait()
	db := open(t, c)
	require.NoError(t, db.Migrate(ctx))
	portfolio(t, db, member(t, db, "alice"))
}

func TestMigrateNeedsAnOwner(t *testing.T) {
	c := config(database(t))
	c.Credentials = c.Owner
	assert.ErrorContains(t, open(t, c).Migrate(t.Context()), "which owns the database, want another one")
	c.Owner = nil
	assert.ErrorContains(t, open(t, c).Migrate(t.Context()), "the credentials of the database's owner are missing")
}

// Passwords are read at each connection, so that a rotation needs no restart. The
// service's role gets the password that the secret has.
func TestPasswordRotation(t *testing.T) {
	name, ctx := database(t), t.Context()
	var owner, service atomic.Value
	owner.Store("secret")
	service.Store("service secret")
	c := config(name)
	c.Owner = func(context.Context) (string, string, error) { return name, owner.Load().(string), nil }
	c.Credentials = func(context.Context) (string, string, error) {
		return name + "_service", service.Load().(string), nil
	}
	db, other := open(t, c), open(t, c)
	require.NoError(t, db.Migrate(ctx))
	require.NoError(t, other.Migrate(ctx))
	again := func(db *postgres.DB) error { // on a new connection
		db.Reset()
		return db.Remove(ctx, "a")
	}
	require.NoError(t, again(db))

	require.NoError(t, server.CreateDatabase(ctx, name, name, "rotated"))
	require.NoError(t, again(db), "the owner's password is used only to migrate")
	assert.Error(t, db.Migrate(ctx))
	owner.Store("rotated")
	require.NoError(t, db.Migrate(ctx))

	service.Store("another")
	var both sync.WaitGroup
	for _, db := range []*postgres.DB{db, other} {
		both.Go(func() { assert.NoError(t, again(db)) })
	}
	both.Wait()
	_, err := pgx.Connect(ctx, server.URL(name, name+"_service", "service secret"))
	assert.Error(t, err, "the old password")
	assert.NoError(t, db.Check(ctx))

	// A restored snapshot has the password of its time.
	admin, err := pgx.Connect(ctx, server.URL(name, name, "rotated"))
	require.NoError(t, err)
	defer admin.Close(ctx)
	_, err = admin.Exec(ctx, `alter role "`+name+`_service" password 'restored'`)
	require.NoError(t, err)
	assert.Error(t, again(db))
	assert.NoError(t, again(db))

	withoutOwner := config(name) // has no owner's credentials
	withoutOwner.Owner, withoutOwner.Credentials = nil, c.Credentials
	require.NoError(t, again(open(t, withoutOwner)))
	_, err = open(t, withoutOwner).Authenticate(ctx, backend.HashSecret("x"), now)
	assertCode(t, backend.CodeUnauthenticated, err)
}
