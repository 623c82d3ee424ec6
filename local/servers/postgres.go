package servers

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"portfolio/contract/scram"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// superuser is the owner of the cluster, with RDS's name for it.
const superuser = "rdsadmin"

// accessRules admit only clients with TLS and a password.
const accessRules = "hostssl all all 127.0.0.1/32 scram-sha-256\n"

// PostgresConfig configures StartPostgres. The zero value is right for tests.
type PostgresConfig struct {
	Port      int        // 0 chooses a free one
	Authority *Authority // signs the server's certificate; nil makes one
	Launch    Launcher   // nil ties the server to this process
	// Durable keeps committed transactions if the server is killed. A crash of the
	// machine loses them.
	Durable bool
}

// Postgres is a running PostgreSQL 15.14. Its databases are those of CreateDatabase.
type Postgres struct {
	Port   int
	CAFile string // PEM, what clients verify the server with
	Folder string // all its files; Stop removes it

	process  *Process
	launch   Launcher
	binaries string
	durable  bool
	as       *syscall.Credential
	password string // the superuser's, known to this program only
}

// StartPostgres starts PostgreSQL and returns when it answers. It listens on
// 127.0.0.1 only and accepts TLS connections only. On error nothing is left.
func StartPostgres(ctx context.Context, c PostgresConfig) (_ *Postgres, err error) {
	binaries, err := FetchPostgres(ctx)
	if err != nil {
		return nil, err
	}
	if c.Port == 0 {
		if c.Port, err = FreePort(); err != nil {
			return nil, err
		}
	}
	as, err := account()
	if err != nil {
		return nil, err
	}
	folder, err := runFolder("portfolio-postgres-", as)
	if err != nil {
		return nil, err
	}
	p := &Postgres{Port: c.Port, CAFile: filepath.Join(folder, "ca.pem"), Folder: folder,
		launch: c.Launch, binaries: binaries, durable: c.Durable, as: as, password: rand.Text()}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Stop())
		}
	}()
	if err := p.writeTLS(c.Authority, as); err != nil {
		return nil, err
	}
	if err := p.initialize(ctx, binaries, as); err != nil {
		return nil, err
	}
	return p, p.Restart(ctx)
}

// Kill ends the server as a crash does and keeps its files.
func (p *Postgres) Kill() error { return p.process.stop(syscall.SIGKILL) }

// Restart starts a server that has ended again, with its data and its port, and returns
// when it answers.
func (p *Postgres) Restart(ctx context.Context) error {
	var err error
	cmd := exec.Command(filepath.Join(p.binaries, "bin", "postgres"), p.arguments()...)
	p.run(cmd, p.as)
	if p.process, err = Start("postgres", cmd, p.launch); err != nil {
		return err
	}
	return p.process.Await(ctx, p.ping)
}

// Stop ends the server and removes its files. A second call does nothing.
func (p *Postgres) Stop() error {
	var err error
	if p.process != nil {
		err = p.process.stop(syscall.SIGINT) // fast shutdown: open sessions are ended
	}
	return errors.Join(err, os.RemoveAll(p.Folder))
}

// URL returns a connection string for database that verifies the server.
func (p *Postgres) URL(database, username, password string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(username, password),
		Host:     address(p.Port),
		Path:     database,
		RawQuery: url.Values{"sslmode": {"verify-full"}, "sslrootcert": {p.CAFile}}.Encode(),
	}
	return u.String()
}

// CreateDatabase creates a database and the role username, which owns it. Like the master
// user on RDS the role may create roles and databases but is not a superuser. A role or
// database that exists is kept; the role gets this password.
func (p *Postgres) CreateDatabase(ctx context.Context, database, username, password string) error {
	conn, err := pgx.Connect(ctx, p.URL("postgres", superuser, p.password))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	role := pgx.Identifier{username}.Sanitize()
	// The server gets a verifier, so that the password cannot be in its logs.
	verifier, err := scram.Verifier(password)
	if err != nil {
		return err
	}
	for _, sql := range []struct{ text, exists string }{
		{"CREATE ROLE " + role, "42710"},
		{"ALTER ROLE " + role + " LOGIN CREATEDB CREATEROLE PASSWORD '" + verifier + "'", ""},
		{"CREATE DATABASE " + pgx.Identifier{database}.Sanitize() + " OWNER " + role, "42P04"},
	} {
		var known *pgconn.PgError
		if _, err := conn.Exec(ctx, sql.text); errors.As(err, &known) && known.Code == sql.exists {
			continue
		} else if err != nil {
			return fmt.Errorf("create database %s for %s: %w", database, username, err)
		}
	}
	return nil
}

func (p *Postgres) ping(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, p.URL("postgres", superuser, p.password))
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// writeTLS writes the certificates into the folder.
func (p *Postgres) writeTLS(authority *Authority, as *syscall.Credential) (err error) {
	if authority == nil {
		if authority, err = NewAuthority(); err != nil {
			return err
		}
	}
	cert, key, err := authority.Issue()
	if err != nil {
		return err
	}
	return errors.Join(
		writeFor(as, p.CAFile, authority.PEM()),
		writeFor(as, filepath.Join(p.Folder, "server.pem"), cert),
		writeFor(as, filepath.Join(p.Folder, "server.key"), key))
}

// initialize creates the cluster.
func (p *Postgres) initialize(ctx context.Context, binaries string, as *syscall.Credential) error {
	password := filepath.Join(p.Folder, "password")
	if err := writeFor(as, password, []byte(p.password)); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(binaries, "bin", "initdb"), "--pgdata", p.data(),
		"--username", superuser, "--pwfile", password, "--auth", "scram-sha-256",
		"--encoding", "UTF8", "--no-locale", "--no-sync")
	p.run(cmd, as)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return errors.Join(
		os.Remove(password),
		writeFor(as, filepath.Join(p.data(), "pg_hba.conf"), []byte(accessRules)))
}

// run sets the account of cmd, a folder that the account may enter, and an environment
// that sets only the language of its messages.
func (p *Postgres) run(cmd *exec.Cmd, as *syscall.Credential) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	cmd.Dir = p.Folder
	cmd.Env = []string{"LC_ALL=C", "TZ=UTC"}
}

func (p *Postgres) data() string { return filepath.Join(p.Folder, "data") }

// arguments returns the server's settings. The data need not survive a crash of the machine,
// so nothing waits for the disk; a durable commit waits until the kernel has it.
func (p *Postgres) arguments() []string {
	args := []string{"-D", p.data(), "-c", fmt.Sprintf("synchronous_commit=%t", p.durable)}
	for _, setting := range []string{
		"listen_addresses=" + Host,
		fmt.Sprintf("port=%d", p.Port),
		"unix_socket_directories=",
		"ssl=on",
		"ssl_cert_file=" + filepath.Join(p.Folder, "server.pem"),
		"ssl_key_file=" + filepath.Join(p.Folder, "server.key"),
		"fsync=off",
		"full_page_writes=off",
		"log_statement=none",
		"timezone=UTC",
	} {
		args = append(args, "-c", setting)
	}
	return args
}
