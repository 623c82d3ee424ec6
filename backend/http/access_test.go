package http_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"portfolio/backend"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Requests for every route of a portfolio, with another owner's ids.
var owned = []struct{ method, path, body string }{
	{"GET", "", ""}, {"PUT", "", `{"name":"A","base_currency":"EUR"}`}, {"DELETE", "", ""},
	{"GET", "/transactions", ""}, {"POST", "/transactions", trade},
	{"POST", "/transactions.csv", "date,kind,amount,currency\n2026-01-01,DEPOSIT,1,EUR\n"}, {"POST", "/transactions.csv?dry_run=true", "date,kind,amount,currency\n2026-01-01,DEPOSIT,1,EUR\n"},
	{"GET", "/transactions.csv", ""},
	{"GET", "/transactions/ENTRY", ""}, {"PUT", "/transactions/ENTRY", trade}, {"DELETE", "/transactions/ENTRY", ""},
	{"GET", "/holdings", ""}, {"GET", "/valuation", ""},
	{"GET", "/performance?from=2025-01-01&to=2026-01-01", ""}, {"GET", "/history?from=2025-01-01&to=2026-01-01", ""},
	{"GET", "/history?from=2026-01-02&to=2026-01-02&interval=5m", ""},
}

func TestAnotherOwnersIDsAreNotFound(t *testing.T) {
	c := newClient(t)
	ada, eve := c.all(t, "ada"), c.all(t, "eve")
	path := c.portfolio(t, ada)
	entry := c.do(t, ada, "POST", path+"/transactions", trade).id()
	for _, r := range owned {
		url := path + strings.Replace(r.path, "ENTRY", entry, 1)
		got := c.do(t, eve, r.method, url, r.body, "If-Match", `"1"`)
		assert.Equal(t, http.StatusNotFound, got.Status, "%s %s: %s", r.method, r.path, got.Body)
		// The answer is that of an id that never existed, so that it does not reveal which do.
		never := c.do(t, eve, r.method, strings.Replace(url, path,
			"/v1/portfolios/00000000-0000-4000-8000-999999999999", 1), r.body, "If-Match", `"1"`)
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
		{backend.ScopeRead, "GET", "/v1/quotes/A/history?from=2026-01-01&to=2026-01-02", ""},
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
	assert.Equal(t, "forbidden", c.do(t, admin, "POST", "/v1/keys", `{"label":"more","scopes":["trade"]}`).code(),
		"no scope that the key itself lacks")

	assert.Equal(t, 404, c.do(t, c.all(t, "eve"), "DELETE", "/v1/keys/"+made.id(), "").Status)
	assert.Equal(t, 204, c.do(t, admin, "DELETE", "/v1/keys/"+made.id(), "").Status)

	assert.Equal(t, 200, c.do(t, admin, "GET", "/v1/audit", "").Status)
	for name, header := range map[string]string{"none": "", "basic": "Basic " + admin, "unknown": "Bearer pfk_x",
		"long": "Bearer " + strings.Repeat("x", 200)} {
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

// A key is limited to a number of calls per second, which share one look-up.
func TestRateLimit(t *testing.T) {
	c := newClient(t)
	key, other := c.key(t, "ada", backend.ScopeRead), c.key(t, "ada", backend.ScopeRead)
	limited := 0
	for range 250 { // time does not pass here: the burst is two seconds' worth of 100 per second
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

// A key that ends is refused at once: when it expires, and when its revocation is
// announced. Without the announcement, it takes a second.
func TestKeysEnd(t *testing.T) {
	c := newClient(t)
	admin := c.all(t, "ada")
	made := c.do(t, admin, "POST", "/v1/keys",
		`{"label":"short","scopes":["read"],"expires_at":"2026-01-02T03:04:05.5Z"}`)
	short := made.JSON["key"].(string)
	assert.Equal(t, 200, c.do(t, short, "GET", "/v1/portfolios", "").Status)
	c.fakes.clock = 500 * time.Millisecond
	assert.Equal(t, "unauthenticated", c.do(t, short, "GET", "/v1/portfolios", "").code())

	for name, test := range map[string]struct{ end func(id string) }{
		"announced":                    {func(id string) { c.fakes.handler.Changed(backend.Change{RevokedKey: id}) }},
		"changes may have been missed": {func(string) { c.fakes.handler.Lost() }},
		"missed":                       {func(string) { c.fakes.clock += time.Second }},
	} {
		made := c.do(t, admin, "POST", "/v1/keys", `{"label":"phone","scopes":["read"]}`)
		key := made.JSON["key"].(string)
		assert.Equal(t, 200, c.do(t, key, "GET", "/v1/portfolios", "").Status, name)
		assert.Equal(t, 204, c.do(t, admin, "DELETE", "/v1/keys/"+made.id(), "").Status)
		test.end(made.id())
		assert.Equal(t, "unauthenticated", c.do(t, key, "GET", "/v1/portfolios", "").code(), name)
	}
}

// An invalid key is looked up once, and the number that one address may present is
// limited. Valid keys are not affected, even from the same address.
func TestInvalidKeysAreLimited(t *testing.T) {
	c := newClient(t)
	valid := c.all(t, "ada")
	for range 20 {
		assert.Equal(t, 401, c.do(t, "pfk_guess", "GET", "/v1/portfolios", "").Status)
	}
	assert.Equal(t, 1, c.store.lookups)
	limited := 0
	for i := range 60 {
		got := c.do(t, fmt.Sprintf("pfk_%d", i), "GET", "/v1/portfolios", "")
		if got.Status == 429 {
			limited++
			assert.Equal(t, "rate_limited", got.code())
			assert.Equal(t, "10", got.Header.Get("Retry-After"))
		}
	}
	assert.Equal(t, 31, limited, "30 per address, one of which was used above")
	assert.Equal(t, 30, c.store.lookups)
	c.fakes.clock = time.Minute
	assert.Equal(t, 401, c.do(t, "pfk_later", "GET", "/v1/portfolios", "").Status)
	assert.Equal(t, 200, c.do(t, valid, "GET", "/v1/portfolios", "").Status)
}

// Only the last address in X-Forwarded-For counts, and only if the load balancer wrote it.
func TestClientAddress(t *testing.T) {
	for name, test := range map[string]struct {
		balancers string
		header    func(i int) string
		limited   bool
	}{
		"balancer, many clients":   {"127.0.0.0/8", func(i int) string { return fmt.Sprintf("192.0.2.%d", i) }, false},
		"balancer, one client":     {"127.0.0.0/8", func(i int) string { return fmt.Sprintf("192.0.2.%d, 198.51.100.1", i) }, true},
		"balancer, one IPv6 /64":   {"127.0.0.0/8", func(i int) string { return fmt.Sprintf("2001:db8::%x", i) }, true},
		"balancer, many of IPv6":   {"127.0.0.0/8", func(i int) string { return fmt.Sprintf("2001:db8:0:%x::1", i) }, false},
		"not the balancer":         {"10.0.0.0/8", func(i int) string { return fmt.Sprintf("192.0.2.%d", i) }, true},
		"no balancer":              {"", func(i int) string { return fmt.Sprintf("192.0.2.%d", i) }, true},
		"balancer without address": {"127.0.0.0/8", func(int) string { return "unknown" }, true},
	} {
		c := newClientOf(t, func(f *fakes) {
			if test.balancers != "" {
				f.balancers = netip.MustParsePrefix(test.balancers)
			}
		})
		last := 0
		for i := range 40 {
			last = c.do(t, fmt.Sprintf("pfk_%d", i), "GET", "/v1/portfolios", "",
				"X-Forwarded-For", test.header(i)).Status
		}
		assert.Equal(t, test.limited, last == 429, name)
	}
}

// Guessing tickets is limited by address, too.
func TestInvalidTicketsAreLimited(t *testing.T) {
	f := newFakes()
	server := f.serve(t)
	last := 0
	for i := range 40 {
		body := strings.Replace(connectBody, "t-1", fmt.Sprintf("guess-%d", i), 1)
		response, _ := do(t, call(t, server, "/internal/connect", body, goodKey, now))
		last = response.StatusCode
	}
	assert.Equal(t, 429, last)
	elsewhere := strings.Replace(connectBody, "192.0.2.1", "192.0.2.2", 1)
	response, _ := do(t, call(t, server, "/internal/connect", elsewhere, goodKey, now))
	assert.Equal(t, 204, response.StatusCode)
}

// A key with sources may write only these, and may not create keys with others.
func TestSources(t *testing.T) {
	c := newClient(t)
	feed := func(source string) string {
		return `{"quotes":[{"symbol":"A","price":"1","currency":"EUR","source":"` + source + `","time":"2026-01-01T00:00:00Z"}],
			"rates":[{"from":"USD","to":"EUR","rate":"0.9","source":"` + source + `","time":"2026-01-01T00:00:00Z"}]}`
	}
	root := c.all(t, "ada")
	made := c.do(t, root, "POST", "/v1/keys", `{"label":"feed","scopes":["feed","admin"],"sources":["ecb","xetra"]}`)
	require.Equal(t, 201, made.Status, made.Body)
	assert.Equal(t, []any{"ecb", "xetra"}, made.JSON["sources"])
	key := made.JSON["key"].(string)
	assert.Equal(t, 200, c.do(t, key, "POST", "/v1/quotes", feed("ecb")).Status)
	refused := c.do(t, key, "POST", "/v1/quotes", feed("other"))
	assert.Equal(t, "forbidden", refused.code())
	assert.Contains(t, refused.JSON["detail"], `quotes[0].source: the key may not write the source "other"`)
	assert.Equal(t, 200, c.do(t, root, "POST", "/v1/quotes", feed("other")).Status,
		"a key from the command line may write any")
	for _, body := range []string{`{"label":"k","scopes":["feed"]}`,
		`{"label":"k","scopes":["read","feed"],"sources":null}`} {
		unnamed := c.do(t, root, "POST", "/v1/keys", body)
		assert.Equal(t, 400, unnamed.Status)
		assert.Contains(t, unnamed.JSON["detail"], "sources: got none, want the sources that the feed may write")
	}

	for body, status := range map[string]int{
		`{"label":"k","scopes":["feed"],"sources":["ecb"]}`:         201,
		`{"label":"k","scopes":["admin"]}`:                          201,
		`{"label":"k","scopes":["feed"],"sources":["ecb","other"]}`: 403,
		`{"label":"k","scopes":["feed"]}`:                           400,
		`{"label":"k","scopes":["feed"],"sources":null}`:            400,
		`{"label":"k","scopes":["admin"],"sources":["ecb"]}`:        400,
		`{"label":"k","scopes":["feed"],"sources":[]}`:              400,
		`{"label":"k","scopes":["feed"],"sources":[""]}`:            400,
		`{"label":"k","scopes":["feed"],"sources":["a\u0000"]}`:     400,
	} {
		assert.Equal(t, status, c.do(t, key, "POST", "/v1/keys", body).Status, body)
	}
}
