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

// signIn returns the cookie of a new session, as a request header has it.
func (c *client) signIn(t *testing.T, key string) string {
	t.Helper()
	return cookieOf(t, c.do(t, "", "POST", "/v1/session", `{"key":"`+key+`"}`))
}

// cookieOf returns the session's cookie of an answer, as a request header has it.
func cookieOf(t *testing.T, got answered) string {
	t.Helper()
	require.Less(t, got.Status, 400, got.Body)
	for _, line := range got.Header.Values("Set-Cookie") {
		if value, is := strings.CutPrefix(line, "__Host-session="); is {
			value, _, _ = strings.Cut(value, ";")
			return "__Host-session=" + value
		}
	}
	require.Fail(t, "no session cookie", "%v", got.Header)
	return ""
}

func TestSessionLife(t *testing.T) {
	c := newClient(t)
	key := c.key(t, "ada", backend.ScopeRead, backend.ScopeTrade)
	started := c.do(t, "", "POST", "/v1/session", `{"key":"`+key+`"}`)
	require.Equal(t, 201, started.Status, started.Body)
	assert.Equal(t, "ada", started.JSON["owner"])
	assert.Equal(t, []any{"read", "trade"}, started.JSON["scopes"])
	assert.Equal(t, "2026-01-09T03:04:05Z", started.JSON["expires_at"])
	assert.Regexp(t, `^__Host-session=pfs_[\w-]{43}; Path=/; Max-Age=604800; HttpOnly; Secure; SameSite=Lax$`,
		started.Header.Get("Set-Cookie"))
	cookie := cookieOf(t, started)

	got := c.do(t, "", "GET", "/v1/session", "", "Cookie", cookie)
	assert.Equal(t, 200, got.Status)
	assert.JSONEq(t, started.Body, got.Body)
	assert.Equal(t, 200, c.do(t, "", "GET", "/v1/portfolios", "", "Cookie", cookie).Status)
	assert.Equal(t, 201, c.do(t, "", "POST", "/v1/portfolios", `{"name":"A","base_currency":"EUR"}`,
		"Cookie", cookie).Status)
	assert.Equal(t, "forbidden", c.do(t, "", "GET", "/v1/keys", "", "Cookie", cookie).code(),
		"no more than the key may do")

	left := c.do(t, "", "DELETE", "/v1/session", "", "Cookie", cookie)
	assert.Equal(t, 204, left.Status)
	assert.Equal(t, "__Host-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax", left.Header.Get("Set-Cookie"))
	for _, path := range []string{"/v1/session", "/v1/portfolios"} {
		assert.Equal(t, "unauthenticated", c.do(t, "", "GET", path, "", "Cookie", cookie).code(), path)
	}
	again := c.do(t, "", "DELETE", "/v1/session", "", "Cookie", cookie)
	assert.Equal(t, 204, again.Status)
	assert.Contains(t, again.Header.Get("Set-Cookie"), "Max-Age=0")
	assert.Equal(t, 200, c.do(t, key, "GET", "/v1/portfolios", "").Status, "the key stays")
}

func TestSessionStartsWithAHeaderToo(t *testing.T) {
	c := newClient(t)
	started := c.do(t, c.key(t, "ada", backend.ScopeRead), "POST", "/v1/session", "")
	assert.Equal(t, 201, started.Status, started.Body)
	assert.Equal(t, 200, c.do(t, "", "GET", "/v1/session", "", "Cookie", cookieOf(t, started)).Status)
}

func TestBadSignIns(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	for name, test := range map[string]struct {
		body, code string
		header     []string
	}{
		"unknown key":        {`{"key":"pfk_guess"}`, "unauthenticated", nil},
		"no key":             {`{"key":""}`, "unauthenticated", nil},
		"long key":           {`{"key":"` + strings.Repeat("x", 129) + `"}`, "unauthenticated", nil},
		"session's secret":   {`{"key":"` + strings.TrimPrefix(c.signIn(t, key), "__Host-session=") + `"}`, "unauthenticated", nil},
		"not a string":       {`{"key":1}`, "invalid_request", nil},
		"no member":          {`{}`, "invalid_request", nil},
		"unknown member":     {`{"key":"x","owner":"eve"}`, "invalid_request", nil},
		"not JSON":           {`key=x`, "invalid_request", nil},
		"nothing":            {``, "invalid_request", nil},
		"large":              {`{"key":"` + strings.Repeat("x", 300<<10) + `"}`, "body_too_large", nil},
		"another scheme":     {``, "unauthenticated", []string{"Authorization", "Basic " + key}},
		"from another site":  {`{"key":"` + key + `"}`, "cross_origin", []string{"Sec-Fetch-Site", "cross-site"}},
		"from another host":  {`{"key":"` + key + `"}`, "cross_origin", []string{"Origin", "https://evil.example"}},
		"from a sibling":     {`{"key":"` + key + `"}`, "cross_origin", []string{"Sec-Fetch-Site", "same-site"}},
		"from a sandbox":     {`{"key":"` + key + `"}`, "cross_origin", []string{"Origin", "null"}},
		"header from a site": {``, "cross_origin", []string{"Authorization", "Bearer " + key, "Sec-Fetch-Site", "cross-site"}},
	} {
		got := c.do(t, "", "POST", "/v1/session", test.body, test.header...)
		assert.Equal(t, test.code, got.code(), "%s: %s", name, got.Body)
		assert.Empty(t, got.Header.Get("Set-Cookie"), name)
	}
}

// Another site's page can make a browser send the cookie, but the call changes nothing.
func TestWritesFromAnotherOrigin(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	cookie := c.signIn(t, key)
	const portfolio = `{"name":"A","base_currency":"EUR"}`
	for _, origin := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"},
		{"Origin", "https://evil.example"}, {"Origin", "null"}} {
		for _, call := range []struct{ method, path, body string }{
			{"POST", "/v1/portfolios", portfolio}, {"POST", "/v1/ws-tickets", ""}, {"POST", "/v1/keys", `{"label":"x","scopes":["admin"]}`},
			{"DELETE", "/v1/session", ""}, {"DELETE", "/v1/sessions", ""},
		} {
			got := c.do(t, "", call.method, call.path, call.body, append(origin, "Cookie", cookie)...)
			assert.Equal(t, "cross_origin", got.code(), "%s %s from %v: %s", call.method, call.path, origin, got.Body)
		}
		assert.Equal(t, 201, c.do(t, key, "POST", "/v1/portfolios", portfolio, origin...).Status,
			"another site cannot know a key")
	}
	list := c.do(t, "", "GET", "/v1/portfolios", "", "Cookie", cookie)
	assert.Equal(t, 200, list.Status)
	assert.Len(t, list.JSON["items"], 4, "those of the key")
	for _, own := range [][]string{{"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Site", "none"},
		{"Origin", c.server.URL}} {
		assert.Equal(t, 201, c.do(t, "", "POST", "/v1/portfolios", portfolio, append(own, "Cookie", cookie)...).Status,
			"%v", own)
	}
}

func TestSignOutEverywhere(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	phone, desk, eve := c.signIn(t, key), c.signIn(t, c.all(t, "ada")), c.signIn(t, c.all(t, "eve"))
	for _, cookie := range []string{phone, desk, eve} {
		assert.Equal(t, 200, c.do(t, "", "GET", "/v1/session", "", "Cookie", cookie).Status)
	}
	left := c.do(t, "", "DELETE", "/v1/sessions", "", "Cookie", phone)
	assert.Equal(t, 204, left.Status)
	assert.Contains(t, left.Header.Get("Set-Cookie"), "Max-Age=0")
	assert.Equal(t, 401, c.do(t, "", "GET", "/v1/session", "", "Cookie", phone).Status)
	assert.Equal(t, 401, c.do(t, "", "GET", "/v1/session", "", "Cookie", desk).Status)
	assert.Equal(t, 200, c.do(t, "", "GET", "/v1/session", "", "Cookie", eve).Status, "another owner")
	assert.Equal(t, 401, c.do(t, "", "DELETE", "/v1/sessions", "", "Cookie", phone).Status, "nothing was ended")
	assert.Equal(t, 401, c.do(t, key, "DELETE", "/v1/sessions", "").Status, "a key is not signed in")
}

// A session ends with its key at every instance: when that is announced, and after a
// second if the announcement is missed.
func TestSessionEndsWithItsKey(t *testing.T) {
	c := newClient(t)
	admin := c.all(t, "ada")
	for name, end := range map[string]func(id string){
		"announced":  func(id string) { c.fakes.handler.Changed(backend.Change{RevokedKey: id}) },
		"maybe lost": func(string) { c.fakes.handler.Lost() },
		"missed":     func(string) { c.fakes.clock += time.Second },
	} {
		made := c.do(t, admin, "POST", "/v1/keys", `{"label":"phone","scopes":["read"]}`)
		cookie := c.signIn(t, made.JSON["key"].(string))
		assert.Equal(t, 200, c.do(t, "", "GET", "/v1/portfolios", "", "Cookie", cookie).Status, name)
		assert.Equal(t, 204, c.do(t, admin, "DELETE", "/v1/keys/"+made.id(), "").Status)
		end(made.id())
		assert.Equal(t, "unauthenticated", c.do(t, "", "GET", "/v1/portfolios", "", "Cookie", cookie).code(), name)
	}
	cookie := c.signIn(t, admin)
	assert.Equal(t, 200, c.do(t, "", "GET", "/v1/session", "", "Cookie", cookie).Status)
	clear(c.store.sessions) // at another instance
	c.fakes.handler.Changed(backend.Change{SignedOut: "ada"})
	assert.Equal(t, 401, c.do(t, "", "GET", "/v1/session", "", "Cookie", cookie).Status)
}

// Over plain HTTP there are sessions only on this machine.
func TestSessionsNeedHTTPS(t *testing.T) {
	for name, test := range map[string]struct {
		balancers string
		header    []string
		want      bool
	}{
		"this machine":                     {"", nil, true},
		"this machine by name":             {"", []string{"Host", "localhost:80"}, true},
		"this machine by a name below":     {"", []string{"Host", "x.localhost"}, true},
		"this machine over IPv6":           {"", []string{"Host", "[::1]:80"}, true},
		"a name that resolves here":        {"", []string{"Host", "evil.example"}, false},
		"an address elsewhere":             {"", []string{"Host", "192.0.2.1"}, false},
		"balancer over TLS":                {"127.0.0.0/8", []string{"Host", "portfolio.example", "X-Forwarded-Proto", "https"}, true},
		"balancer over HTTP":               {"127.0.0.0/8", []string{"Host", "portfolio.example", "X-Forwarded-Proto", "http"}, false},
		"balancer that does not say":       {"127.0.0.0/8", []string{"Host", "portfolio.example"}, false},
		"anybody who claims to be TLS":     {"10.0.0.0/8", []string{"Host", "portfolio.example", "X-Forwarded-Proto", "https"}, false},
		"anybody, where there is no proxy": {"", []string{"Host", "portfolio.example", "X-Forwarded-Proto", "https"}, false},
	} {
		c := newClientOf(t, func(f *fakes) {
			if test.balancers != "" {
				f.balancers = netip.MustParsePrefix(test.balancers)
			}
		})
		key := c.all(t, "ada")
		cookie := c.signIn(t, key)
		methods := c.do(t, "", "GET", "/v1/sign-in", "", test.header...)
		started := c.do(t, "", "POST", "/v1/session", `{"key":"`+key+`"}`, test.header...)
		used := c.do(t, "", "GET", "/v1/portfolios", "", append(test.header, "Cookie", cookie)...)
		assert.Equal(t, 200, c.do(t, key, "GET", "/v1/portfolios", "", test.header...).Status,
			"%s: keys are as before", name)
		if test.want {
			assert.Equal(t, []int{200, 201, 200}, []int{methods.Status, started.Status, used.Status}, name)
			assert.Equal(t, []any{"key"}, methods.JSON["methods"], name)
			continue
		}
		for _, got := range []answered{methods, started, used} {
			assert.Equal(t, "https_required", got.code(), name)
			assert.Contains(t, got.JSON["detail"], "CERTIFICATE_ARN", name)
			assert.Empty(t, got.Header.Get("Set-Cookie"), name)
		}
	}
}

// Guessing sessions and signing in with guessed keys are limited by address.
func TestSignInIsLimited(t *testing.T) {
	c := newClient(t)
	limited := 0
	for i := range 40 {
		got := c.do(t, "", "POST", "/v1/session", fmt.Sprintf(`{"key":"pfk_%d"}`, i))
		if i%2 == 0 {
			got = c.do(t, "", "GET", "/v1/session", "", "Cookie", fmt.Sprintf("__Host-session=pfs_%d", i))
		}
		if got.Status == http.StatusTooManyRequests {
			limited++
			assert.Equal(t, "10", got.Header.Get("Retry-After"))
		}
	}
	assert.Positive(t, limited)
	key := c.all(t, "ada")
	last := 0
	for range 201 { // the clock stands still: two seconds' worth at once
		last = c.do(t, "", "POST", "/v1/session", `{"key":"`+key+`"}`).Status
	}
	assert.Equal(t, 429, last, "a key's sign-ins count as its calls")
}

// The ticket of a session's WebSocket names the session, which closes it when it ends.
func TestTicketOfASession(t *testing.T) {
	c := newClient(t)
	made := c.do(t, "", "POST", "/v1/ws-tickets", "", "Cookie", c.signIn(t, c.all(t, "ada")))
	require.Equal(t, 201, made.Status, made.Body)
	assert.Equal(t, "wss://socket.example/prod", made.JSON["url"])
	who, err := c.store.RedeemTicket(t.Context(), backend.HashSecret(made.JSON["ticket"].(string)), now)
	require.NoError(t, err)
	assert.NotEmpty(t, who.SessionID)
}

// Every answer has the headers that protect the page, and those over TLS tell browsers to
// stay with it.
func TestHeaders(t *testing.T) {
	c := newClientOf(t, func(f *fakes) { f.balancers = netip.MustParsePrefix("127.0.0.0/8") })
	for _, path := range []string{"/", "/v1/openapi.json", "/v1/session", "/none", "/health"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.server.URL+path, nil)
		require.NoError(t, err)
		plain, _ := do(t, r)
		assert.Equal(t, "nosniff", plain.Header.Get("X-Content-Type-Options"), path)
		assert.Equal(t, "no-referrer", plain.Header.Get("Referrer-Policy"), path)
		assert.Equal(t, "no-store", plain.Header.Get("Cache-Control"), path)
		assert.Empty(t, plain.Header.Get("Strict-Transport-Security"), path)
		policy := plain.Header.Get("Content-Security-Policy")
		assert.Contains(t, policy, "default-src 'none'", path)
		assert.Contains(t, policy, "frame-ancestors 'none'", path)
		assert.NotContains(t, policy, "unsafe", path)
		assert.Equal(t, path == "/", strings.Contains(policy, "connect-src 'self' wss://socket.example;"), path)
		r.Header.Set("X-Forwarded-Proto", "https")
		tls, _ := do(t, r)
		assert.Equal(t, "max-age=31536000", tls.Header.Get("Strict-Transport-Security"), path)
	}
}
