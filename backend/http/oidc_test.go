package http_test

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/oidc"
	"portfolio/contract/setting"

	"github.com/oauth2-proxy/mockoidc"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// provider is an identity provider that runs in the test, and the service's settings.
type provider struct {
	*mockoidc.MockOIDC
	config oidc.Config
	client *client
}

// newProvider starts an identity provider whose clock is the service's.
func newProvider(t *testing.T, owners ...setting.Owner) *provider {
	t.Helper()
	return newProviderBehind(t, netip.Prefix{}, owners...)
}

// newProviderBehind is newProvider for a service whose load balancer has one of some addresses.
func newProviderBehind(t *testing.T, balancers netip.Prefix, owners ...setting.Owner) *provider {
	t.Helper()
	m, err := mockoidc.Run()
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, m.Shutdown()) })
	m.FastForward(time.Until(now))
	p := &provider{MockOIDC: m}
	p.client = newClientOf(t, func(f *fakes) {
		f.balancers = balancers
		p.config = oidc.Config{
			Issuer: m.Issuer(), ClientID: m.ClientID, Owners: owners, Now: func() time.Time { return now.Add(f.clock) },
			Secret: func(context.Context) (string, error) { return m.ClientSecret, nil },
		}
		f.provider = lazily(func() backend.IdentityProvider { return oidc.New(p.config) })
	})
	return p
}

// lazily makes a provider for each call, so that a test can change its settings.
type lazily func() backend.IdentityProvider

func (l lazily) Name() string { return l().Name() }
func (l lazily) Begin(ctx context.Context, returnTo string) (string, string, error) {
	return l().Begin(ctx, returnTo)
}
func (l lazily) Complete(ctx context.Context, returnTo, attempt string, sent backend.Sent) (backend.Identity, error) {
	return l().Complete(ctx, returnTo, attempt, sent)
}

// begin starts to sign in and returns where the browser is sent, with its cookie.
func (p *provider) begin(t *testing.T) (address *url.URL, cookie string) {
	t.Helper()
	got := p.client.do(t, "", "GET", "/v1/sign-in/oidc", "")
	require.Equal(t, http.StatusSeeOther, got.Status, got.Body)
	assert.Regexp(t, `^__Host-sign-in=[^;]+; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax$`,
		got.Header.Get("Set-Cookie"))
	cookie, _, _ = strings.Cut(got.Header.Get("Set-Cookie"), ";")
	address, err := url.Parse(got.Header.Get("Location"))
	require.NoError(t, err)
	return address, cookie
}

// authorize has the provider sign a person in and returns the path, below the service's
// base, that it sends the browser back to.
func (p *provider) authorize(t *testing.T, address *url.URL, user mockoidc.User, base string) string {
	t.Helper()
	p.QueueUser(user)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address.String(), nil)
	require.NoError(t, err)
	response, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusFound, response.StatusCode)
	back, found := strings.CutPrefix(response.Header.Get("Location"), base)
	require.True(t, found, response.Header.Get("Location"))
	return back
}

var (
	ada    = &mockoidc.MockUser{Subject: "1234", Groups: []string{"staff"}}
	adaIs  = setting.Owner{Subject: "1234", Owner: "ada", Scopes: []string{"read", "trade"}}
	family = setting.Owner{Group: "family", Owner: "smith", Scopes: []string{"read"}}
)

func TestOIDC(t *testing.T) {
	p := newProvider(t, adaIs, family)
	c := p.client
	methods := c.do(t, "", "GET", "/v1/sign-in", "")
	assert.Equal(t, []any{"key", "oidc"}, methods.JSON["methods"])
	assert.Equal(t, "127.0.0.1", methods.JSON["provider"])

	address, cookie := p.begin(t)
	asked := address.Query()
	assert.Equal(t, []string{"code", "S256", p.ClientID},
		[]string{asked.Get("response_type"), asked.Get("code_challenge_method"), asked.Get("client_id")})
	assert.Equal(t, c.server.URL+"/v1/sign-in/oidc/callback", asked.Get("redirect_uri"))
	assert.NotEmpty(t, asked.Get("nonce"))
	assert.Len(t, asked.Get("code_challenge"), 43)

	back := p.authorize(t, address, ada, c.server.URL)
	done := c.do(t, "", "GET", back, "", "Cookie", cookie)
	assert.Equal(t, []any{303, "../../../"}, []any{done.Status, done.Header.Get("Location")})
	session := cookieOf(t, done)
	who := c.do(t, "", "GET", "/v1/session", "", "Cookie", session)
	assert.Equal(t, "ada", who.JSON["owner"])
	assert.Equal(t, []any{"read", "trade"}, who.JSON["scopes"])
	assert.Contains(t, done.Header.Values("Set-Cookie"),
		"__Host-sign-in=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax")

	again := c.do(t, "", "GET", back, "", "Cookie", cookie)
	assert.Equal(t, "../../../#/?sign_in_error=expired", again.Header.Get("Location"), "the code was used")
	assert.NotContains(t, strings.Join(again.Header.Values("Set-Cookie"), ""), "__Host-session")
}

func TestOIDCOwners(t *testing.T) {
	p := newProvider(t, adaIs, family)
	for name, test := range map[string]struct {
		user          mockoidc.User
		owner, reason string
	}{
		"a subject":               {ada, "ada", ""},
		"a group":                 {&mockoidc.MockUser{Subject: "5", Groups: []string{"staff", "family"}}, "smith", ""},
		"a subject and a group":   {&mockoidc.MockUser{Subject: "1234", Groups: []string{"family"}}, "ada", ""},
		"nobody":                  {&mockoidc.MockUser{Subject: "6", Groups: []string{"staff"}}, "", "unknown_subject"},
		"a subject like a group":  {&mockoidc.MockUser{Subject: "family"}, "", "unknown_subject"},
		"a group like a subject":  {&mockoidc.MockUser{Subject: "7", Groups: []string{"1234"}}, "", "unknown_subject"},
		"a subject of other case": {&mockoidc.MockUser{Subject: "12345"}, "", "unknown_subject"},
	} {
		address, cookie := p.begin(t)
		done := p.client.do(t, "", "GET", p.authorize(t, address, test.user, p.client.server.URL), "", "Cookie", cookie)
		if test.reason != "" {
			assert.Equal(t, "../../../#/?sign_in_error="+test.reason, done.Header.Get("Location"), name)
			assert.NotContains(t, strings.Join(done.Header.Values("Set-Cookie"), ""), "__Host-session", name)
			continue
		}
		who := p.client.do(t, "", "GET", "/v1/session", "", "Cookie", cookieOf(t, done))
		assert.Equal(t, test.owner, who.JSON["owner"], name)
	}
	assert.Contains(t, p.client.fakes.log.String(), `subject \"6\" is not in OIDC_OWNERS`, "for the operator")
}

// An answer that does not belong to the browser's own attempt signs nobody in.
func TestBadOIDCAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		change func(p *provider, back, cookie string) (string, string)
		reason string
	}{
		"another state": {func(_ *provider, back, cookie string) (string, string) {
			return strings.Replace(back, "state=", "state=x", 1), cookie
		}, "expired"},
		"no state": {func(_ *provider, back, cookie string) (string, string) {
			return withQuery(back, "code=x"), cookie
		}, "expired"},
		"no cookie": {func(_ *provider, back, _ string) (string, string) { return back, "" }, "expired"},
		"another code": {func(_ *provider, back, cookie string) (string, string) {
			return strings.Replace(back, "code=", "code=x", 1), cookie
		}, "expired"},
		"another nonce":    {part(1, "x"), "expired"},
		"another verifier": {part(2, strings.Repeat("x", 43)), "expired"},
		"no verifier":      {part(2, ""), "expired"},
		"no time":          {part(3, "x"), "expired"},
		"too late": {func(p *provider, back, cookie string) (string, string) {
			p.client.fakes.clock = 10*time.Minute + time.Second
			return back, cookie
		}, "expired"},
		"a token that expired": {func(p *provider, back, cookie string) (string, string) {
			p.FastForward(-time.Hour)
			return back, cookie
		}, "expired"},
		"another client": {func(p *provider, back, cookie string) (string, string) {
			p.config.ClientID = "other"
			return back, cookie
		}, "failed"},
		"a wrong secret": {func(p *provider, back, cookie string) (string, string) {
			p.config.Secret = func(context.Context) (string, error) { return "wrong", nil }
			return back, cookie
		}, "failed"},
		"no secret": {func(p *provider, back, cookie string) (string, string) {
			p.config.Secret = func(context.Context) (string, error) { return "", errors.New("unreachable") }
			return back, cookie
		}, "failed"},
		"an unreachable provider": {func(p *provider, back, cookie string) (string, string) {
			p.config.Issuer = "http://127.0.0.1:1/oidc"
			return back, cookie
		}, "failed"},
		"a refusal": {func(_ *provider, back, cookie string) (string, string) {
			return withQuery(back, "error=access_denied"), cookie
		}, "access_denied"},
	} {
		p := newProvider(t, adaIs)
		address, cookie := p.begin(t)
		back, cookie := test.change(p, p.authorize(t, address, ada, p.client.server.URL), cookie)
		done := p.client.do(t, "", "GET", back, "", "Cookie", cookie)
		assert.Equal(t, "../../../#/?sign_in_error="+test.reason, done.Header.Get("Location"), name)
		assert.NotContains(t, strings.Join(done.Header.Values("Set-Cookie"), ""), "__Host-session", name)
		assert.Empty(t, p.client.store.sessions, name)
	}
}

// withQuery replaces the query of a path.
func withQuery(path, query string) string {
	path, _, _ = strings.Cut(path, "?")
	return path + "?" + query
}

// part replaces one part of the attempt in the browser's cookie.
func part(i int, by string) func(p *provider, back, cookie string) (string, string) {
	return func(_ *provider, back, cookie string) (string, string) {
		parts := strings.Split(cookie, ".")
		parts[i] = by
		return back, strings.Join(parts, ".")
	}
}

// Without a provider there is nothing to begin; one that is unreachable sends people back.
func TestNoProvider(t *testing.T) {
	c := newClient(t)
	for _, path := range []string{"/v1/sign-in/oidc", "/v1/sign-in/oidc/callback?code=x"} {
		assert.Equal(t, "not_found", c.do(t, "", "GET", path, "").code(), path)
	}
	p := newProvider(t, adaIs)
	assert.Equal(t, "https_required", p.client.do(t, "", "GET", "/v1/sign-in/oidc", "", "Host",
		"portfolio.example").code())
	p.config.Issuer = "http://127.0.0.1:1/oidc"
	got := p.client.do(t, "", "GET", "/v1/sign-in/oidc", "")
	assert.Equal(t, "../../#/?sign_in_error=failed", got.Header.Get("Location"))
}

// A load balancer that removes a prefix from the path says which, and the provider has to
// send people back below it. The cookies are for every path, since __Host- wants that.
func TestOIDCBehindAPrefix(t *testing.T) {
	p := newProviderBehind(t, netip.MustParsePrefix("127.0.0.0/8"), adaIs)
	header := []string{"Host", "example.org", "X-Forwarded-Proto", "https", "X-Forwarded-Prefix", "/apps/portfolio/"}
	begun := p.client.do(t, "", "GET", "/v1/sign-in/oidc", "", header...)
	require.Equal(t, http.StatusSeeOther, begun.Status, begun.Body)
	cookie, _, _ := strings.Cut(begun.Header.Get("Set-Cookie"), ";")
	address, err := url.Parse(begun.Header.Get("Location"))
	require.NoError(t, err)
	assert.Equal(t, "https://example.org/apps/portfolio/v1/sign-in/oidc/callback", address.Query().Get("redirect_uri"))

	back := p.authorize(t, address, ada, "https://example.org/apps/portfolio")
	done := p.client.do(t, "", "GET", back, "", append(header, "Cookie", cookie)...)
	assert.Equal(t, []any{303, "../../../"}, []any{done.Status, done.Header.Get("Location")},
		"relative, so below the prefix")
	assert.Equal(t, 200, p.client.do(t, "", "GET", "/v1/session", "",
		append(header, "Cookie", cookieOf(t, done))...).Status)
}

// Only the load balancer says what the prefix is, and only a plain path is one.
func TestOIDCRefusesPrefixes(t *testing.T) {
	for balancers, prefixes := range map[string][]string{
		"10.0.0.0/8":  {"/apps"},
		"127.0.0.0/8": {"//evil.example", "/a//b", "/../x", "apps", "/a?b", "/a%2f", "/a b", "/", "@evil.example"},
	} {
		p := newProviderBehind(t, netip.MustParsePrefix(balancers), adaIs)
		for _, prefix := range prefixes {
			got := p.client.do(t, "", "GET", "/v1/sign-in/oidc", "", "X-Forwarded-Prefix", prefix)
			address, err := url.Parse(got.Header.Get("Location"))
			require.NoError(t, err)
			assert.Equal(t, p.client.server.URL+"/v1/sign-in/oidc/callback", address.Query().Get("redirect_uri"), prefix)
		}
	}
}
