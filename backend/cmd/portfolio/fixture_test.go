package main_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/postgres"
	"portfolio/local/servers"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	databaseSecret = "arn:aws:secretsmanager:us-east-1:000000000000:secret:database"
	ownerSecret    = "arn:aws:secretsmanager:us-east-1:000000000000:secret:owner"
	signingSecret  = "arn:aws:secretsmanager:us-east-1:000000000000:secret:signing"
	sourceSecret   = "arn:aws:secretsmanager:us-east-1:000000000000:secret:sources"
	bucket         = "history"
)

// binary is the path of the program under test, which is built once.
var binary string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "portfolio-binary-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(folder, "portfolio")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		os.Exit(1)
	}
	status := m.Run()
	os.RemoveAll(folder)
	os.Exit(status)
}

// world has everything that instances of the service need.
type world struct {
	cloud    *cloud
	postgres *servers.Postgres
	valkey   *servers.Valkey
	database *exec.Cmd // to stop PostgreSQL and start it again on its data
	owner    string    // the password of the database's owner
	password string    // that the service connects with
	env      map[string]string
}

// key creates an API key.
func (w *world) key(t *testing.T) string {
	t.Helper()
	return w.keyOf(t, "ann")
}

// keyOf creates an API key of an owner.
func (w *world) keyOf(t *testing.T, owner string) string {
	t.Helper()
	db, err := postgres.Open(t.Context(), postgres.Config{
		Host: servers.Host, Port: w.postgres.Port, Name: "portfolio", CAFile: w.postgres.CAFile,
		Credentials: func(context.Context) (string, string, error) { return "portfolio_service", w.password, nil },
		Owner:       func(context.Context) (string, string, error) { return "portfolio_admin", w.owner, nil },
	})
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, db.Migrate(t.Context())) // as portfolio key create does
	secret := backend.NewSecret()
	_, err = db.CreateKey(t.Context(), backend.Principal{},
		backend.APIKey{Owner: owner, Label: "test", Scopes: backend.Scopes}, backend.HashSecret(secret))
	require.NoError(t, err)
	return secret
}

// ticket returns a ticket from an instance, which is valid for one connection.
func (w *world) ticket(i *instance) string {
	i.t.Helper()
	var out struct{ Ticket string }
	i.api(w.key(i.t), http.MethodPost, "/v1/ws-tickets", "", http.StatusCreated, &out)
	return out.Ticket
}

// newWorld starts real servers and an empty database.
func newWorld(t *testing.T) *world {
	w := &world{cloud: newCloud(t)}
	var err error
	w.postgres, err = servers.StartPostgres(t.Context(),
		servers.PostgresConfig{Launch: func(_ string, cmd *exec.Cmd) error {
			servers.EndWithParent(cmd, syscall.SIGQUIT)
			w.database = cmd
			return cmd.Start()
		}})
	require.NoError(t, err)
	t.Cleanup(func() {
		w.stopDatabase()
		assert.NoError(t, w.postgres.Stop())
	})
	w.valkey, err = servers.StartValkey(t.Context(), servers.ValkeyConfig{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, w.valkey.Stop()) })
	require.NoError(t, w.postgres.CreateDatabase(t.Context(), "portfolio", "portfolio_admin", "first-password"))
	w.rotatePasswords("first-password", "service-password")
	w.cloud.rotate(signingSecret, "first signing key of the test")
	w.env = environment(w.cloud.URL, w.postgres.Port, w.postgres.CAFile, w.valkey.Port, w.valkey.CAFile)
	return w
}

// rotatePasswords changes the secrets of the database's owner and of the service's role.
func (w *world) rotatePasswords(owner, service string) {
	w.cloud.rotate(ownerSecret, `{"username":"portfolio_admin","password":"`+owner+`"}`)
	w.cloud.rotate(databaseSecret, `{"username":"portfolio_service","password":"`+service+`"}`)
	w.owner, w.password = owner, service
}

// connect connects to the database as its owner, who reads and writes everything.
func (w *world) connect(t *testing.T) *pgx.Conn {
	conn, err := pgx.Connect(t.Context(), w.postgres.URL("portfolio", "portfolio_admin", "first-password"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// stopDatabase stops PostgreSQL as a failover does and keeps its data.
func (w *world) stopDatabase() {
	_ = w.database.Process.Signal(syscall.SIGINT) // it may have ended already
	for w.database.Process.Signal(syscall.Signal(0)) == nil {
		time.Sleep(20 * time.Millisecond)
	}
}

// startDatabase starts PostgreSQL again on its data.
func (w *world) startDatabase(t *testing.T) {
	cmd := exec.Command(w.database.Path, w.database.Args[1:]...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = w.database.Dir, w.database.Env, w.database.SysProcAttr
	require.NoError(t, cmd.Start())
	w.database = cmd
	go func() { _ = cmd.Wait() }() // a signal stops it, so its status is known
}

func environment(cloudURL string, databasePort int, databaseCA string, cachePort int,
	cacheCA string) map[string]string {
	return map[string]string{
		"ENVIRONMENT_SUFFIX": "test", "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": cloudURL,
		"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
		"DB_HOST": servers.Host, "DB_PORT": strconv.Itoa(databasePort), "DB_NAME": "portfolio",
		"DB_SECRET_ARN": databaseSecret, "DB_OWNER_SECRET_ARN": ownerSecret, "DB_CA_FILE": databaseCA,
		"CACHE_ENDPOINT": "localhost:" + strconv.Itoa(cachePort), "CACHE_CA_FILE": cacheCA,
		"HISTORY_BUCKET": bucket, "SIGNING_SECRET_ARN": signingSecret, "QUOTE_TTL": "60s",
		"WEBSOCKET_URL": "wss://socket.example/prod",
	}
}

// two starts two instances at the same time and waits until both are ready.
func (w *world) two(t *testing.T) (one, two *instance) {
	one, two = launch(t, w.env), launch(t, w.env)
	one.eventually("/ready", http.StatusOK)
	two.eventually("/ready", http.StatusOK)
	return one, two
}
