// Package postgres stores the service's data in PostgreSQL.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// MaxConnections is the size of one instance's pool. RDS lets a db.t3.medium
// have LEAST(DBInstanceClassMemory/9531392, 5000) connections (RDS user guide,
// "Maximum number of database connections"): 450 for its 4 GiB, some 400 after
// what RDS keeps for itself. Nine instances, six and half as many again during
// a refresh, take 9 × (20 + 2 that listen + 1 that migrates) = 207; the rest is
// for operators and monitoring. More would not help: the database has two
// processors.
const MaxConnections = 20

// Credentials returns the current name and password of a role.
type Credentials func(context.Context) (username, password string, err error)

// Config is how to reach the database.
type Config struct {
	Host   string // as the server's certificate names it
	Port   int
	Name   string
	CAFile string // PEM, the authorities that may sign the server's certificate
	// Credentials are those of the role that the service connects as. They are read
	// before each connection, so that a rotated password is used. The role need not
	// exist; see Migrate. It must be safe for concurrent use.
	Credentials Credentials
	// Owner are the credentials of the role that owns the database and may create roles,
	// only for Migrate; nil without it.
	Owner  Credentials
	Log    *slog.Logger    // logs why Listen had to reconnect; may be nil
	Tracer pgx.QueryTracer // traces the pool's queries; may be nil
}

// DB is a pool of connections to one database. It is safe for concurrent use.
type DB struct {
	pool     *pgxpool.Pool
	owner    *owner // nil without its credentials
	log      *slog.Logger
	migrated atomic.Bool
	tails    tails
	closes   *closes
}

// Open prepares a pool without connecting: if the database is unreachable, queries
// fail until it is back. The server's certificate is always verified (verify-full).
func Open(ctx context.Context, c Config) (*DB, error) {
	address := url.URL{
		Scheme: "postgres",
		Host:   net.JoinHostPort(c.Host, strconv.Itoa(c.Port)),
		Path:   "/" + c.Name,
		RawQuery: url.Values{
			"sslmode":         {"verify-full"},
			"sslrootcert":     {c.CAFile},
			"connect_timeout": {"5"},
			// Limits that the server enforces even if this program has ended.
			"statement_timeout":                   {"10s"},
			"idle_in_transaction_session_timeout": {"30s"},
			"application_name":                    {"portfolio"},
		}.Encode(),
	}
	config, err := pgxpool.ParseConfig(address.String())
	if err != nil {
		return nil, fmt.Errorf("configure the database: %w", err)
	}
	config.ConnConfig.Tracer = c.Tracer
	config.MaxConns = MaxConnections
	config.MaxConnLifetime = 30 * time.Minute
	config.MaxConnLifetimeJitter = 5 * time.Minute
	config.MaxConnIdleTime = 5 * time.Minute
	config.PingTimeout = 2 * time.Second // of idle connections before use: after a failover they are broken
	var o *owner
	if c.Owner != nil {
		o = &owner{config: config.ConnConfig.Copy(), credentials: c.Owner, service: c.Credentials}
		o.watch(config.ConnConfig)
	}
	config.BeforeConnect = func(ctx context.Context, conn *pgx.ConnConfig) (err error) {
		if conn.User, conn.Password, err = c.Credentials(ctx); err != nil {
			return &credentialsError{err}
		}
		return o.renew(ctx, conn.User, conn.Password)
	}
	config.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		// Times are UTC wherever the program runs.
		conn.TypeMap().RegisterType(&pgtype.Type{Name: "timestamptz", OID: pgtype.TimestamptzOID,
			Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC}})
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("configure the database: %w", err)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &DB{pool: pool, owner: o, log: c.Log, closes: newCloses(maxClosesSize), tails: tails{from: tailFrom}}, nil
}

// connect makes a connection outside the pool, whose statements may take long.
func (db *DB) connect(ctx context.Context) (*pgx.Conn, error) {
	config := db.pool.Config()
	if err := config.BeforeConnect(ctx, config.ConnConfig); err != nil {
		return nil, err
	}
	delete(config.ConnConfig.RuntimeParams, "statement_timeout")
	return pgx.ConnectConfig(ctx, config.ConnConfig)
}

var errNotMigrated = errors.New("the schema is not migrated yet")

// Check returns the reason why the database cannot be used, or nil.
func (db *DB) Check(ctx context.Context) error {
	if !db.migrated.Load() {
		return errNotMigrated
	}
	return db.pool.Ping(ctx)
}

// Close waits for queries in flight and closes all connections.
func (db *DB) Close() { db.pool.Close() }
