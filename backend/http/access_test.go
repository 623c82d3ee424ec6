package http_test

import (
	"net/http"
	"strings"
	"testing"

	"portfolio/backend"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every route that touches a portfolio, for another owner's ids.
var owned = []struct{ method, path, body string }{
	{"GET", "", ""}, {"PUT", "", `{"name":"A","base_currency":"EUR"}`}, {"DELETE", "", ""},
	{"GET", "/transactions", ""}, {"POST", "/transactions", trade},
	{"POST", "/transactions.csv", "date,kind,amount,currency\n2026-01-01,DEPOSIT,1,EUR\n"}, {"POST", "/transactions.csv?dry_run=true", "date,kind,amount,currency\n2026-01-01,DEPOSIT,1,EUR\n"},
	{"GET", "/transactions.csv", ""},
	{"GET", "/transactions/ENTRY", ""}, {"PUT", "/transactions/ENTRY", trade}, {"DELETE", "/transactions/ENTRY", ""},
	{"GET", "/holdings", ""}, {"GET", "/valuation", ""},
	{"GET", "/performance?from=2025-01-01&to=2026-01-01", ""}, {"GET", "/history?from=2025-01-01&to=2026-01-01", ""},
}

func TestAnotherOwnersIDsAreNotThere(t *testing.T) {
	c := newClient(t)
	ada, eve := c.all(t, "ada"), c.all(t, "eve")
	path := c.portfolio(t, ada)
	entry := c.do(t, ada, "POST", path+"/transactions", trade).id()
	for _, r := range owned {
		url := path + strings.Replace(r.path, "ENTRY", entry, 1)
		got := c.do(t, eve, r.method, url, r.body, "If-Match", `"1"`)
		assert.Equal(t, http.StatusNotFound, got.Status, "%s %s: %s", r.method, r.path, got.Body)
		// The very answer of an id that never was, so that nobody learns which are.
		never := c.do(t, eve, r.method, strings.Replace(url, path, "/v1/portfolios/00000000-0000-4000-8000-999999999999", 1), r.body, "If-Match", `"1"`)
		assert.Equal(t, never.Body, got.Body, "%s %s", r.method, r.path)
	}
	other := c.portfolio(t, ada)
	assert.Equal(t, 404, c.do(t, ada, "GET", other+"/transactions/"+entry, "").Status, "an entry of another portfolio")
	assert.Equal(t, 200, c.do(t, ada, "GET", path+"/transactions/"+entry, "").Status)
}

func TestScopes(t *testing.T) {
	c := newClient(t)
	path := c.portfolio(t, c.all(t, "ada"))
	for _, test := range []struct {
		scope              backend.Scope
		method, path, body string
	}{
		{backend.ScopeRead, "GET", path + "/valuation", ""}, {backend.ScopeRead, "GET", "/v1/portfolios", ""},
		{backend.ScopeRead, "POST", "/v1/ws-tickets", ""}, {backend.ScopeRead, "GET", "/v1/quotes?symbols=A", ""},
		{backend.ScopeTrade, "POST", path + "/transactions", trade}, {backend.ScopeTrade, "POST", "/v1/portfolios", `{"name":"A","base_currency":"EUR"}`},
		{backend.ScopeFeed, "POST", "/v1/quotes", `{"rates":[{"from":"USD","to":"EUR","rate":"0.9","source":"s","time":"2026-01-01T00:00:00Z"}]}`},
		{backend.ScopeAdmin, "GET", "/v1/keys", ""}, {backend.ScopeAdmin, "GET", "/v1/audit", ""},
		{backend.ScopeAdmin, "DELETE", "/v1/keys/00000000-0000-4000-8000-999999999999", ""},
	} {
		var others []backend.Scope
		for _, s := range backend.Scopes {
			if s != test.scope {
				others = append(others, s)
			}
		}
		refused := c.do(t, c.key(t, "ada", others...), test.method, test.path, test.body)
		assert.Equal(t, "forbidden", refused.code(), "%s %s", test.method, test.path)
		allowed := c.do(t, c.key(t, "ada", test.scope), test.method, test.path, test.body)
		assert.NotContains(t, []int{401, 403}, allowed.Status, "%s %s", test.method, test.path)
	}
}

func TestKeys(t *testing.T) {
	c := newClient(t)
	admin := c.key(t, "ada", backend.ScopeAdmin, backend.ScopeRead)
	made := c.do(t, admin, "POST", "/v1/keys", `{"label":"phone","scopes":["read"]}`)
	require.Equal(t, 201, made.Status, made.Body)
	phone := made.JSON["key"].(string)
	assert.Equal(t, 200, c.do(t, phone, "GET", "/v1/portfolios", "").Status)
	assert.NotContains(t, c.do(t, admin, "GET", "/v1/keys", "").Body, phone, "shown once")
	assert.Equal(t, "forbidden", c.do(t, admin, "POST", "/v1/keys", `{"label":"more","scopes":["trade"]}`).code(), "no more than one has")

	assert.Equal(t, 404, c.do(t, c.all(t, "eve"), "DELETE", "/v1/keys/"+made.id(), "").Status)
	assert.Equal(t, 204, c.do(t, admin, "DELETE", "/v1/keys/"+made.id(), "").Status)

	assert.Equal(t, 200, c.do(t, admin, "GET", "/v1/audit", "").Status)
	for name, header := range map[string]string{"none": "", "basic": "Basic " + admin, "unknown": "Bearer pfk_x", "long": "Bearer " + strings.Repeat("x", 200)} {
		got := c.do(t, "", "GET", "/v1/portfolios", "", "Authorization", header)
		assert.Equal(t, "unauthenticated", got.code(), name)
		assert.Contains(t, got.Header.Get("WWW-Authenticate"), "Bearer", name)
	}
}

func TestTicketsAreSecret(t *testing.T) {
	c := newClient(t)
	key := c.key(t, "ada", backend.ScopeRead)
	made := c.do(t, key, "POST", "/v1/ws-tickets", "")
	require.Equal(t, 201, made.Status, made.Body)
	ticket := made.JSON["ticket"].(string)
	who, err := c.store.RedeemTicket(t.Context(), backend.HashSecret(ticket), now)
	require.NoError(t, err)
	assert.Equal(t, "ada", who.Owner)
	assert.Equal(t, "2026-01-02T03:05:05Z", made.JSON["expires_at"])
}

// A key has so many calls a second, and a lookup serves several of them.
func TestRateLimit(t *testing.T) {
	c := newClient(t)
	key, other := c.key(t, "ada", backend.ScopeRead), c.key(t, "ada", backend.ScopeRead)
	limited := 0
	for range 250 { // the clock stands still: 100 a second, two seconds' worth at once
		got := c.do(t, key, "GET", "/v1/quotes?symbols=A", "")
		if got.Status == http.StatusTooManyRequests {
			limited++
			assert.Equal(t, "rate_limited", got.code())
			assert.Equal(t, "1", got.Header.Get("Retry-After"))
		}
	}
	assert.Equal(t, 50, limited)
	assert.Equal(t, 200, c.do(t, other, "GET", "/v1/quotes?symbols=A", "").Status)
	assert.Equal(t, 2, c.store.lookups)
}
