package main_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"portfolio/contract/signature"
	"portfolio/local/servers"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const key = "first signing key of the test"

var requests atomic.Int64

// unique returns a new request id, which makes a signature unique.
func unique() string { return fmt.Sprintf("request-%d", requests.Add(1)) }

func connectBody(id, ticket string) string {
	return fmt.Sprintf(`{"requestId":%q,"connectionId":%q,"domainName":"api.example","stage":"prod","sourceIp":"192.0.2.7","query":{"ticket":[%q]}}`, unique(), id, ticket)
}

func messageBody(id, message string) string {
	return fmt.Sprintf(`{"requestId":%q,"connectionId":%q,"domainName":"api.example","stage":"prod","sourceIp":"192.0.2.7","body":%q}`, unique(), id, message)
}

func disconnectBody(id string) string {
	return fmt.Sprintf(`{"requestId":%q,"connectionId":%q,"domainName":"api.example","stage":"prod","disconnectCode":1001,"disconnectReason":"away"}`, unique(), id)
}

// connected opens a connection and returns its id.
func (w *world) connected(i *instance, id string) string {
	i.t.Helper()
	body := connectBody(id, w.ticket(i))
	require.Equal(i.t, answer{Status: http.StatusNoContent}, i.send(i.call("/internal/connect", key, body, time.Now())))
	return id
}

// ping makes a signed call and expects a pong.
func ping(i *instance, id, key string) *http.Request {
	return i.call("/internal/message", key, messageBody(id, `{"action":"ping"}`), time.Now())
}

func assertPong(t *testing.T, a answer, of ...any) {
	t.Helper()
	assert.Equal(t, http.StatusOK, a.Status, of...)
	assert.JSONEq(t, `{"type":"pong"}`, a.Body, of...)
}

// A connection from its handshake to its end, and calls that are refused.
func TestConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := start(t, w.env)
	i.eventually("/ready", http.StatusOK)
	db := w.connect(t)
	rows := func() (count int, life time.Duration) {
		require.NoError(t, db.QueryRow(t.Context(),
			"select count(*), coalesce(max(expires_at - connected_at), '0') from connections").Scan(&count, &life))
		return count, life
	}

	id := w.connected(i, "L0SM9cOFvHcCIhw=")
	w.connected(i, id) // a retried handshake
	count, life := rows()
	assert.Equal(t, 1, count)
	assert.Equal(t, 2*time.Hour+10*time.Minute, life)

	pong := ping(i, id, key)
	assertPong(t, i.send(pong))
	other := i.send(i.call("/internal/message", key, messageBody(id, `{"action":"fly"}`), time.Now()))
	assert.Equal(t, http.StatusOK, other.Status)
	var reply struct{ Type, Code, Message string }
	require.NoError(t, json.Unmarshal([]byte(other.Body), &reply))
	assert.Equal(t, []string{"error", "unknown_action"}, []string{reply.Type, reply.Code})
	assert.Contains(t, reply.Message, "ping")

	assertRefused(t, i, id, pong)

	for range 2 { // the second one has nothing to remove
		assert.Equal(t, answer{Status: http.StatusNoContent},
			i.send(i.call("/internal/disconnect", key, disconnectBody(id), time.Now())))
	}
	count, _ = rows()
	assert.Zero(t, count)
	assertNoSecrets(t, i, "first-password", pong.Header.Get(signature.Header))
}

// assertRefused expects invalid calls about a connection to be refused, and a repetition of
// one that was made.
func assertRefused(t *testing.T, i *instance, id string, made *http.Request) {
	t.Helper()
	unsigned := ping(i, id, key)
	unsigned.Header.Del(signature.Header)
	body := messageBody(id, `{"action":"ping"}`)
	for code, r := range map[string]*http.Request{
		"signature_replayed": made,
		"signature_missing":  unsigned,
		"signature_mismatch": ping(i, id, "another key"),
		"signature_stale":    i.call("/internal/message", key, body, time.Now().Add(-signature.MaxAge-time.Second)),
	} {
		got := i.send(r)
		assert.Equal(t, []any{http.StatusUnauthorized, code}, []any{got.Status, got.Code})
	}
	large := i.send(i.call("/internal/message", key, messageBody(id, strings.Repeat("x", 1<<20)), time.Now()))
	assert.Equal(t, http.StatusRequestEntityTooLarge, large.Status)
	wrong := i.send(i.call("/internal/message", key, "{", time.Now()))
	assert.Equal(t, http.StatusBadRequest, wrong.Status)
	for path, want := range map[string]int{
		"/internal/connect": http.StatusMethodNotAllowed,
		"/":                 http.StatusOK,
		"/none":             http.StatusNotFound,
	} {
		status, _ := i.get(path)
		assert.Equal(t, want, status, path)
	}
}

// assertNoSecrets expects a log of JSON lines that contains none of the secrets.
func assertNoSecrets(t *testing.T, i *instance, secrets ...string) {
	t.Helper()
	log := i.log()
	for line := range strings.Lines(log) {
		var entry map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &entry), line)
	}
	assert.Contains(t, log, "/internal/message")
	for _, secret := range append(secrets, key, "pfk_", "fly") {
		assert.NotContains(t, log, secret)
	}
}

// Two instances that start at once on an empty database both serve, and a call that
// one has accepted is refused by the other.
func TestTwoInstances(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	both := []*instance{launch(t, w.env), launch(t, w.env)}
	for _, i := range both {
		i.eventually("/ready", http.StatusOK)
	}
	id := w.connected(both[0], "a")
	r := ping(both[1], id, key)
	assertPong(t, both[1].send(r))
	assert.Equal(t, "signature_replayed", both[0].send(r).Code)
}

// Without the cache, an instance remembers calls itself.
func TestWithoutCache(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := start(t, w.env)
	i.eventually("/ready", http.StatusOK)
	id := w.connected(i, "a")
	before := ping(i, id, key)
	assertPong(t, i.send(before))

	require.NoError(t, w.valkey.Stop())
	i.eventually("/ready", http.StatusServiceUnavailable)
	during := ping(i, id, key)
	assertPong(t, i.send(during))
	assert.Equal(t, "signature_replayed", i.send(during).Code)
	assert.Equal(t, "signature_replayed", i.send(before).Code)
}

// No call fails while the key is rotated, whichever side reads the new one first.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := start(t, w.env)
	i.eventually("/ready", http.StatusOK)
	id := w.connected(i, "a")
	previous := key
	for n, next := range []string{"second signing key of the test", "third signing key of the test"} {
		w.cloud.rotate(signingSecret, next)
		assertPong(t, i.send(ping(i, id, next)), "the new key, rotation %d", n)
		assertPong(t, i.send(ping(i, id, previous)), "the previous key, rotation %d", n)
		previous = next
	}
	assert.Equal(t, "signature_mismatch", i.send(ping(i, id, key)).Code, "two rotations ago")

	reads := w.cloud.read()
	began := time.Now()
	for range 3 {
		var guesses sync.WaitGroup
		for range 20 {
			r := ping(i, id, "a guess")
			guesses.Go(func() { i.send(r) })
		}
		guesses.Wait()
	}
	limit := 2 * (2 + int(time.Since(began)/time.Second)) // a read gets two versions
	assert.LessOrEqual(t, w.cloud.read()-reads, limit, "reads for sixty invalid signatures")
}

// The database stops and comes back, and both of its passwords are rotated.
func TestDatabaseRestarts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := start(t, w.env)
	i.eventually("/ready", http.StatusOK)
	w.connected(i, "a")

	w.stopDatabase()
	i.eventually("/ready", http.StatusServiceUnavailable)
	status, _ := i.get("/health")
	assert.Equal(t, http.StatusOK, status)
	refused := i.send(i.call("/internal/connect", key, connectBody("b", "any"), time.Now()))
	assert.Equal(t, []any{http.StatusServiceUnavailable, "unavailable"}, []any{refused.Status, refused.Code})
	assert.NotContains(t, refused.Body, servers.Host)

	w.startDatabase(t)
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		assert.NoError(c, w.postgres.CreateDatabase(t.Context(), "portfolio", "portfolio_admin", "second-password"))
	}, time.Minute, 100*time.Millisecond)
	w.rotatePasswords("second-password", "second-service-password")
	i.eventually("/ready", http.StatusOK)
	w.connected(i, "b")
	for _, password := range []string{"second-password", "service-password"} {
		assert.NotContains(t, i.log(), password)
	}
}

// While dependencies are missing, the process runs and reports which are down, without
// details. It serves as soon as they are there.
func TestStartsWithoutDependencies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	env := maps.Clone(w.env)
	maps.Copy(env, map[string]string{"DB_PORT": "1", "CACHE_ENDPOINT": "localhost:1", "HISTORY_BUCKET": "another"})
	i := start(t, env)
	began := time.Now()
	status, body := i.get("/ready")
	assert.Less(t, time.Since(began), 3*time.Second)
	assert.Equal(t, http.StatusServiceUnavailable, status)
	for _, detail := range []string{"refused", "127.0.0.1", "localhost", "404", "another"} {
		assert.NotContains(t, body, detail)
	}
	require.NoError(t, i.process.Signal(syscall.SIGTERM))
	code, err := i.exit(10 * time.Second)
	require.NoError(t, err, "it can be stopped while it waits for the database")
	assert.Zero(t, code)

	w.stopDatabase()
	late := start(t, w.env)
	late.eventually("/ready", http.StatusServiceUnavailable)
	w.startDatabase(t)
	late.eventually("/ready", http.StatusOK)
	w.connected(late, "a")
}

// A call that is in flight when the process is told to stop is answered.
func TestDrains(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := start(t, w.env)
	i.eventually("/ready", http.StatusOK)
	db := w.connect(t)
	hold, err := db.Begin(t.Context())
	require.NoError(t, err)
	_, err = hold.Exec(t.Context(), "lock table connections in share mode") // metrics may read it
	require.NoError(t, err)

	slow := make(chan answer, 1)
	r := i.call("/internal/connect", key, connectBody("a", w.ticket(i)), time.Now())
	go func() { slow <- i.send(r) }()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		var waiting int
		// Tests beside this one have databases of their own on the same server.
		assert.NoError(c, db.QueryRow(t.Context(), `
			select count(*) from pg_locks where not granted and relation = 'connections'::regclass
				and database = (select oid from pg_database where datname = current_database())`).Scan(&waiting))
		assert.Equal(c, 1, waiting)
	}, 30*time.Second, 50*time.Millisecond)
	require.NoError(t, i.process.Signal(syscall.SIGTERM))
	time.Sleep(500 * time.Millisecond)
	_, err = i.exit(0)
	require.Error(t, err, "the process waits for the call")
	require.NoError(t, hold.Rollback(t.Context()))
	assert.Equal(t, answer{Status: http.StatusNoContent}, <-slow)
	code, err := i.exit(25 * time.Second)
	require.NoError(t, err)
	assert.Zero(t, code, i.log())
	status, _ := i.get("/health")
	assert.Zero(t, status)
}
