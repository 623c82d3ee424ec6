package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"portfolio/backend"
	"portfolio/backend/postgres"
	"portfolio/backend/push/pushtest"
	"portfolio/local/servers"

	"github.com/jackc/pgx/v5"
)

const (
	databaseSecret = "arn:aws:secretsmanager:us-east-1:000000000000:secret:database"
	ownerSecret    = "arn:aws:secretsmanager:us-east-1:000000000000:secret:owner"
	signingSecret  = "arn:aws:secretsmanager:us-east-1:000000000000:secret:signing"
	user           = "portfolio_admin"
	serviceUser    = "portfolio_service"
	password       = "a password of this run" // of a database that is deleted at the end
	owner          = "load"
)

// world is what surrounds the service.
type world struct {
	sizes
	folder, binary string
	postgres       *servers.Postgres
	valkey         *servers.Valkey
	aws            *httptest.Server
	gateway        *pushtest.Gateway
	arrived        arrivals
	db             *pgx.Conn
	key            string // API key with all scopes
	keyID          string
}

// newWorld starts the servers with an empty, migrated database.
func newWorld(ctx context.Context, z sizes) (_ *world, err error) {
	w := &world{sizes: z}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close(context.WithoutCancel(ctx)))
		}
	}()
	if w.folder, err = os.MkdirTemp("", "load-"); err != nil {
		return nil, err
	}
	w.binary = filepath.Join(w.folder, "portfolio")
	build := exec.CommandContext(ctx, "go", "build", "-o", w.binary, "portfolio/backend/cmd/portfolio")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build: %w\n%s", err, out)
	}
	if w.postgres, err = servers.StartPostgres(ctx, servers.PostgresConfig{Durable: true}); err != nil {
		return nil, err
	}
	if w.valkey, err = servers.StartValkey(ctx, servers.ValkeyConfig{}); err != nil {
		return nil, err
	}
	w.gateway = pushtest.New(w.arrived.add)
	w.aws = httptest.NewServer(http.HandlerFunc(serveAWS))
	if err := w.postgres.CreateDatabase(ctx, "portfolio", user, password); err != nil {
		return nil, err
	}
	if w.db, err = pgx.Connect(ctx, w.postgres.URL("portfolio", user, password)); err != nil {
		return nil, err
	}
	return w, w.createKey(ctx)
}

// openStore connects to the database as the service does.
func (w *world) openStore(ctx context.Context) (*postgres.DB, error) {
	return postgres.Open(ctx, postgres.Config{
		Host: servers.Host, Port: w.postgres.Port, Name: "portfolio", CAFile: w.postgres.CAFile,
		Credentials: func(context.Context) (string, string, error) { return serviceUser, password, nil },
		Owner:       func(context.Context) (string, string, error) { return user, password, nil },
	})
}

// createKey migrates the database and creates the key for all calls.
func (w *world) createKey(ctx context.Context) error {
	store, err := w.openStore(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := store.Migrate(ctx); err != nil {
		return err
	}
	w.key = backend.NewSecret()
	k, err := store.CreateKey(ctx, backend.Principal{},
		backend.APIKey{Owner: owner, Label: "load", Scopes: backend.Scopes}, backend.HashSecret(w.key))
	w.keyID = k.ID
	return err
}

// close stops and removes what newWorld started, even if it failed halfway.
func (w *world) close(ctx context.Context) error {
	var all []error
	if w.db != nil {
		all = append(all, w.db.Close(ctx))
	}
	if w.aws != nil {
		w.aws.Close()
		w.gateway.Close()
	}
	if w.valkey != nil {
		all = append(all, w.valkey.Stop())
	}
	if w.postgres != nil {
		all = append(all, w.postgres.Stop())
	}
	return errors.Join(append(all, os.RemoveAll(w.folder))...)
}

// serveAWS replaces Secrets Manager and S3.
func serveAWS(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead {
		return // the bucket exists
	}
	var in struct {
		SecretID string `json:"SecretId"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	value := "signing key of the load"
	switch in.SecretID {
	case databaseSecret:
		value = fmt.Sprintf(`{"username":%q,"password":%q}`, serviceUser, password)
	case ownerSecret:
		value = fmt.Sprintf(`{"username":%q,"password":%q}`, user, password)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(map[string]any{ // the client has gone away
		"ARN": in.SecretID, "SecretString": value, "CreatedDate": time.Now().Add(-time.Hour).Unix(),
	})
}

// service is a running process of the service.
type service struct {
	w      *world
	base   string
	cmd    *exec.Cmd
	log    string
	client *http.Client
}

// start runs the service and returns once it is ready.
func (w *world) start(ctx context.Context) (*service, error) {
	l, err := net.Listen("tcp", servers.Host+":0")
	if err != nil {
		return nil, err
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		return nil, err
	}
	s := &service{w: w, base: "http://" + address, log: filepath.Join(w.folder, "portfolio.log"), client: &http.Client{
		// A load balancer keeps its connections, too.
		Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 1024},
	}}
	s.cmd = exec.CommandContext(ctx, w.binary)
	s.cmd.Env = []string{
		"ENVIRONMENT_SUFFIX=load", "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=load", "AWS_SECRET_ACCESS_KEY=load",
		"AWS_ENDPOINT_URL=" + w.gateway.URL,
		"AWS_ENDPOINT_URL_SECRETS_MANAGER=" + w.aws.URL, "AWS_ENDPOINT_URL_S3=" + w.aws.URL,
		"DB_HOST=" + servers.Host, "DB_PORT=" + strconv.Itoa(w.postgres.Port), "DB_NAME=portfolio",
		"DB_SECRET_ARN=" + databaseSecret, "DB_OWNER_SECRET_ARN=" + ownerSecret, "DB_CA_FILE=" + w.postgres.CAFile,
		"CACHE_ENDPOINT=" + w.valkey.Address(), "CACHE_CA_FILE=" + w.valkey.CAFile,
		"HISTORY_BUCKET=history", "SIGNING_SECRET_ARN=" + signingSecret, "WEBSOCKET_URL=ws://socket.localhost/prod",
		"LISTEN_ADDRESS=" + address, "LOG_FILE=" + s.log,
		"PUSH_RATE=" + strconv.Itoa(w.pushRate), "KEY_RATE=100000",
	}
	servers.EndWithParent(s.cmd, syscall.SIGKILL)
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		_, err := s.call(ctx, http.MethodGet, "/ready", "")
		if err == nil {
			return s, nil
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return nil, errors.Join(fmt.Errorf("the service did not become ready: %w", err), s.stop())
		}
	}
}

// startWith fills the database and starts the service.
func (w *world) startWith(ctx context.Context, fill func(*postgres.DB) error) (*service, error) {
	store, err := w.openStore(ctx)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	if err := fill(store); err != nil {
		return nil, err
	}
	if _, err := w.db.Exec(ctx, "vacuum analyze"); err != nil {
		return nil, err
	}
	return w.start(ctx)
}

// stop stops the service as a deployment does.
func (s *service) stop() error {
	s.client.CloseIdleConnections()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.cmd.Wait()
}

// call returns the body of a response, and an error if its status is not 2xx.
func (s *service) call(ctx context.Context, method, path, body string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, s.base+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+s.w.key)
	r.Header.Set("Content-Type", "application/json")
	response, err := s.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: got %d: %s", method, path, response.StatusCode, bytes.TrimSpace(text))
	}
	return text, err
}
