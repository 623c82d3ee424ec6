package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The clients of two instances receive the changes from a transaction and quotes
// written at either, in order, even after the instance that posted to them is killed.
func TestLive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.two(t)
	apiKey := w.key(t)
	var portfolio struct{ ID string }
	one.api(apiKey, http.MethodPost, "/v1/portfolios", `{"name":"Pension","base_currency":"EUR"}`,
		http.StatusCreated, &portfolio)
	record := func(i *instance, quantity int) {
		i.api(apiKey, http.MethodPost, "/v1/portfolios/"+portfolio.ID+"/transactions", fmt.Sprintf(
			`{"kind":"BUY","date":"2026-01-05","symbol":"ACME","quantity":"%d","price":"10","currency":"EUR"}`,
			quantity), http.StatusCreated, &struct{}{})
	}
	quote := func(i *instance, price int) {
		i.api(apiKey, http.MethodPost, "/v1/quotes", fmt.Sprintf(
			`{"quotes":[{"symbol":"ACME","price":"%d","currency":"EUR","source":"test","time":%q}]}`,
			price, time.Now().UTC().Format(time.RFC3339Nano)), http.StatusOK, &struct{}{})
	}
	record(one, 2)
	quote(two, 11)
	w.connected(one, "first=")
	w.connected(two, "second=")
	one.subscribe("first=", portfolio.ID)
	two.subscribe("second=", portfolio.ID)
	sees := func(want string) {
		t.Helper()
		for _, id := range []string{"first=", "second="} {
			require.EventuallyWithT(t, func(c *assert.CollectT) {
				assert.Equal(c, want, invested(t, w.cloud.messages(id)))
			}, 30*time.Second, 10*time.Millisecond, "%s: %q", id, w.cloud.messages(id))
		}
	}
	sees("22")
	quote(two, 12)
	sees("24")
	record(two, 1)
	sees("36")
	quote(one, 13)
	sees("39")

	// Whichever of the two posts to the clients, one of these iterations kills it.
	require.NoError(t, one.process.Kill())
	quote(two, 14)
	sees("42")
	one = start(t, w.env)
	one.eventually("/ready", http.StatusOK)
	require.NoError(t, two.process.Kill())
	quote(one, 15)
	sees("45")

	unknown := one.send(one.call("/internal/message", key,
		messageBody("first=", `{"action":"subscribe","portfolio":"01980000-0000-7000-8000-000000000000"}`), time.Now()))
	assert.Equal(t, []any{http.StatusNotFound, "not_found"}, []any{unknown.Status, unknown.Code})
	denied := one.send(one.call("/internal/connect", key, connectBody("third=", "pfk_guess"), time.Now()))
	assert.Equal(t, []any{http.StatusUnauthorized, "unauthenticated"}, []any{denied.Status, denied.Code})
}

// subscribe makes a connection watch a portfolio.
func (i *instance) subscribe(connection, portfolio string) {
	i.t.Helper()
	body := messageBody(connection, `{"action":"subscribe","portfolio":"`+portfolio+`"}`)
	a := i.send(i.call("/internal/message", key, body, time.Now()))
	require.Equal(i.t, http.StatusOK, a.Status, a.Body)
	require.JSONEq(i.t, `{"type":"subscribed","portfolio":"`+portfolio+`"}`, a.Body)
}

// remove deletes what is at a path, whatever its version.
func (i *instance) remove(apiKey, path string) {
	i.t.Helper()
	r, err := http.NewRequestWithContext(i.t.Context(), http.MethodDelete, i.base+path, strings.NewReader(""))
	require.NoError(i.t, err)
	r.Header.Set("Authorization", "Bearer "+apiKey)
	r.Header.Set("If-Match", "*")
	require.Equal(i.t, http.StatusNoContent, i.send(r).Status)
}

// invested returns what a client has after messages, whose sequence numbers must grow.
func invested(t *testing.T, messages []string) (value string) {
	last := int64(0)
	for _, text := range messages {
		var m struct {
			Type      string
			Sequence  int64
			Invested  *string
			Valuation struct{ Invested *string }
		}
		require.NoError(t, json.Unmarshal([]byte(text), &m))
		require.Greater(t, m.Sequence, last, text)
		last = m.Sequence
		if m.Type == "snapshot" {
			m.Invested = m.Valuation.Invested
		}
		if value = ""; m.Invested != nil {
			value = *m.Invested
		}
	}
	return value
}

// Within a second of a key's end, at any instance, its sockets receive an error and are
// closed, and its calls are refused. The clients of a deleted portfolio always receive
// an error.
func TestEndedKeysAndDeletedPortfolios(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.two(t)
	admin := w.key(t)
	expires := time.Now().Add(8 * time.Second)
	var expiring, revoked struct{ ID, Key string }
	one.api(admin, http.MethodPost, "/v1/keys", fmt.Sprintf(`{"label":"short","scopes":["read"],"expires_at":%q}`,
		expires.UTC().Format(time.RFC3339Nano)), http.StatusCreated, &expiring)
	one.api(admin, http.MethodPost, "/v1/keys", `{"label":"phone","scopes":["read"]}`, http.StatusCreated, &revoked)
	one.connect(expiring.Key, "expiring-one=")
	two.connect(expiring.Key, "expiring-two=")
	one.connect(revoked.Key, "revoked-one=")
	two.connect(revoked.Key, "revoked-two=")
	two.connect(admin, "admin=")

	for _, i := range []*instance{one, two} {
		i.api(revoked.Key, http.MethodGet, "/v1/portfolios", "", http.StatusOK, &struct{}{})
	}
	one.remove(admin, "/v1/keys/"+revoked.ID)
	w.assertEnded(t, []*instance{one, two}, revoked.Key, "revoked-one=", "revoked-two=")

	for n := range 10 {
		var portfolio struct{ ID string }
		one.api(admin, http.MethodPost, "/v1/portfolios", `{"name":"Pension","base_currency":"EUR"}`,
			http.StatusCreated, &portfolio)
		two.subscribe("admin=", portfolio.ID)
		time.Sleep(time.Duration(n) * 20 * time.Millisecond) // before and after an instance publishes it
		one.remove(admin, "/v1/portfolios/"+portfolio.ID)
		told := `{"type":"error","portfolio":"` + portfolio.ID +
			`","code":"not_found","message":"the portfolio was deleted"}`
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			assert.Contains(c, w.cloud.messages("admin="), told)
		}, 5*time.Second, 10*time.Millisecond)
	}
	time.Sleep(time.Until(expires))
	w.assertEnded(t, []*instance{one, two}, expiring.Key, "expiring-one=", "expiring-two=")
	assert.NotContains(t, w.cloud.messages("admin="), closed)
}

// connect opens a WebSocket with a ticket of a key.
func (i *instance) connect(apiKey, id string) {
	i.t.Helper()
	var out struct{ Ticket string }
	i.api(apiKey, http.MethodPost, "/v1/ws-tickets", "", http.StatusCreated, &out)
	a := i.send(i.call("/internal/connect", key, connectBody(id, out.Ticket), time.Now()))
	require.Equal(i.t, http.StatusNoContent, a.Status, a.Body)
}

// assertEnded expects the connections of a key to be closed with an error, and its calls to
// be refused by all instances.
func (w *world) assertEnded(t *testing.T, all []*instance, apiKey string, connections ...string) {
	t.Helper()
	const bound = 5 * time.Second // allows for a busy machine; an idle one takes less than a second
	for _, id := range connections {
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			messages := w.cloud.messages(id)
			require.Len(c, messages, 2)
			assert.Contains(c, messages[0], `"code":"unauthorized"`)
			assert.Equal(c, closed, messages[1])
		}, bound, 10*time.Millisecond, id)
	}
	for _, i := range all {
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
				i.base+"/v1/portfolios", strings.NewReader(""))
			require.NoError(c, err)
			r.Header.Set("Authorization", "Bearer "+apiKey)
			assert.Equal(c, http.StatusUnauthorized, i.send(r).Status)
		}, bound, 10*time.Millisecond, "calls")
	}
}
