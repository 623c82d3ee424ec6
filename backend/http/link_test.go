package http_test

import (
	"net/http"
	"testing"

	"portfolio/backend"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLinkSignsInOnce(t *testing.T) {
	c := newClient(t)
	made := c.do(t, c.key(t, "ada", backend.ScopeRead), "POST", "/v1/sign-in/links", "")
	require.Equal(t, 201, made.Status, made.Body)
	assert.Equal(t, "2026-01-02T03:05:05Z", made.JSON["expires_at"])
	link := "/" + made.JSON["path"].(string)
	assert.Regexp(t, `^/v1/sign-in/link\?code=pfk_[\w-]{43}$`, link)
	assert.Equal(t, 405, c.do(t, "", "HEAD", link, "").Status, "a preview does not use it up")

	first := c.do(t, "", "GET", link, "")
	assert.Equal(t, []any{303, "../../"}, []any{first.Status, first.Header.Get("Location")})
	who := c.do(t, "", "GET", "/v1/session", "", "Cookie", cookieOf(t, first))
	assert.Equal(t, "ada", who.JSON["owner"])
	assert.Equal(t, []any{"read"}, who.JSON["scopes"])
	for _, used := range []string{link, "/v1/sign-in/link?code=",
		"/v1/sign-in/link?code=pfk_guess", "/v1/sign-in/link"} {
		got := c.do(t, "", "GET", used, "")
		assert.Equal(t, []any{303, "../../#/?sign_in_error=expired"},
			[]any{got.Status, got.Header.Get("Location")}, used)
		assert.Empty(t, got.Header.Get("Set-Cookie"))
	}
}

// A link's code does not open a WebSocket, and a WebSocket's ticket does not sign in.
func TestLinksAreNotTickets(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	ticket := c.do(t, key, "POST", "/v1/ws-tickets", "").JSON["ticket"].(string)
	got := c.do(t, "", "GET", "/v1/sign-in/link?code="+ticket, "")
	assert.Equal(t, "../../#/?sign_in_error=expired", got.Header.Get("Location"))
	code := c.do(t, key, "POST", "/v1/sign-in/links", "").JSON["path"].(string)[len("v1/sign-in/link?code="):]
	_, err := c.store.RedeemTicket(t.Context(), backend.HashSecret(code), now)
	require.Error(t, err)
}

func TestLinksAreLocal(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	for _, host := range []string{"portfolio.example", "192.0.2.1"} {
		assert.Equal(t, "forbidden", c.do(t, key, "POST", "/v1/sign-in/links", "", "Host", host).code(), host)
		link := "/" + c.do(t, key, "POST", "/v1/sign-in/links", "").JSON["path"].(string)
		assert.Equal(t, "forbidden", c.do(t, "", "GET", link, "", "Host", host).code(), host)
		assert.Equal(t, http.StatusSeeOther, c.do(t, "", "GET", link, "").Status, "it is not used up")
	}
}

// Guessing codes is limited by address.
func TestLinksAreLimited(t *testing.T) {
	c := newClient(t)
	last := ""
	for range 40 {
		last = c.do(t, "", "GET", "/v1/sign-in/link?code=pfk_guess", "").Header.Get("Location")
	}
	assert.Equal(t, "../../#/?sign_in_error=rate_limited", last)
}
