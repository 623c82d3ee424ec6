package http

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"portfolio/backend"
)

// The codes of calls that sessions cannot be used for, and of sign-ins that fail.
const (
	CodeHTTPSRequired backend.Code = "https_required" // the cookie could be read in transit
	CodeCrossOrigin   backend.Code = "cross_origin"   // another site's page made the call
	CodeSignInDenied  backend.Code = "sign_in_denied" // by the identity provider
)

// sessionCookie holds a session's secret. The prefix makes browsers refuse it unless it
// is Secure, for this host only and for every path. They accept it over HTTP from
// http://localhost, too.
const sessionCookie = "__Host-session"

const (
	noSession    = "nobody is signed in; sign in with an API key"
	endedSession = "the session has ended; sign in again"
)

// sessionOutput says who is signed in.
type sessionOutput struct {
	Owner     string          `json:"owner"`
	Scopes    []backend.Scope `json:"scopes"`
	KeyID     string          `json:"key_id"`
	ExpiresAt *time.Time      `json:"expires_at"`
}

func sessionOf(by backend.Principal) sessionOutput {
	return sessionOutput{Owner: by.Owner, Scopes: by.Scopes, KeyID: by.KeyID, ExpiresAt: by.ExpiresAt}
}

// signInOutput says how to sign in.
type signInOutput struct {
	Methods  []backend.SignIn `json:"methods"`
	Provider string           `json:"provider,omitempty"` // whom oidc signs in at
}

// signIn answers with the ways to sign in.
func (a *api) signIn(w http.ResponseWriter, r *http.Request) error {
	if err := a.confidential(r); err != nil {
		return err
	}
	out := signInOutput{Methods: []backend.SignIn{backend.SignInKey}}
	if a.Provider != nil {
		out.Methods, out.Provider = append(out.Methods, backend.SignInOIDC), a.Provider.Name()
	}
	return replyJSON(w, http.StatusOK, out)
}

// startSession exchanges a key for a session. The key is in the body or, as for all other
// calls, in the header.
func (a *api) startSession(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), apiTimeout)
	defer cancel()
	if err := errors.Join(a.sameOrigin(r), a.confidential(r)); err != nil {
		return err
	}
	secret, err := offeredKey(w, r)
	if err != nil {
		return err
	}
	holder, err := a.keyholders.admit(ctx, w, secret, a.clientAddress(r))
	if err != nil {
		return err
	}
	by, err := a.enter(ctx, w, holder.principal, backend.SignInKey)
	if err != nil {
		return err
	}
	return replyJSON(w, http.StatusCreated, sessionOf(by))
}

// offeredKey reads the key that a person signs in with.
func offeredKey(w http.ResponseWriter, r *http.Request) (string, error) {
	if r.Header.Get("Authorization") != "" {
		return bearer(r)
	}
	var in struct {
		Key string `json:"key"`
	}
	problems, err := decode(w, r, &in)
	if err != nil {
		return "", err
	}
	if err := problems.err(); err != nil {
		return "", err
	}
	if in.Key == "" || len(in.Key) > maxSecret {
		return "", &backend.Error{Code: backend.CodeUnauthenticated, Message: invalidKey}
	}
	return in.Key, nil
}

// enter starts a session and sets its cookie.
func (a *api) enter(ctx context.Context, w http.ResponseWriter, by backend.Principal,
	how backend.SignIn) (backend.Principal, error) {
	secret, now := backend.NewSessionSecret(), a.Now().UTC()
	by, err := a.Sessions.StartSession(ctx, by, how, backend.HashSecret(secret), now)
	if err != nil {
		return by, err
	}
	note(w, slog.String("session", by.SessionID))
	setCookie(w, sessionCookie, secret, by.ExpiresAt.Sub(now))
	return by, nil
}

// The reasons why a person who followed a link is not signed in, for the page.
const (
	reasonDenied  = "access_denied"   // by the person, at the identity provider
	reasonUnknown = "unknown_subject" // the person is not an owner
	reasonExpired = "expired"         // or used before
	reasonLimited = "rate_limited"
	reasonFailed  = "failed"
)

// reasons maps errors' codes to reasons. The others are reasonFailed.
var reasons = map[backend.Code]string{
	backend.CodeUnauthenticated: reasonExpired,
	backend.CodeForbidden:       reasonUnknown,
	CodeRateLimited:             reasonLimited,
	CodeSignInDenied:            reasonDenied,
}

// toPage sends a person who followed a link to the page, signed in or with the reason why
// not. The page's address is relative to the link, because a load balancer may have a path
// in front.
func toPage(w http.ResponseWriter, address string, err error) error {
	if err != nil {
		code := publicError(err).Code
		note(w, slog.String("code", string(code)), slog.Any("error", err))
		address += "#/?sign_in_error=" + cmp.Or(reasons[code], reasonFailed)
	}
	w.Header().Set("Location", address)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// setCookie sets a cookie that no script can read and no other site's page can send with
// a write; one without a lifetime is removed.
func setCookie(w http.ResponseWriter, name, value string, lifetime time.Duration) {
	age := int(lifetime.Seconds())
	if age <= 0 {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: age, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// session serves calls that only a session can make.
func (a *api) session(serve keyed) endpoint {
	return func(w http.ResponseWriter, r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), apiTimeout)
		defer cancel()
		holder, err := a.signedIn(ctx, w, r)
		if err != nil {
			return err
		}
		return serve(ctx, w, r, holder.principal)
	}
}

// signedIn returns the holder of the session whose cookie a request has.
func (a *api) signedIn(ctx context.Context, w http.ResponseWriter, r *http.Request) (*keyholder, error) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil || cookie.Value == "" || len(cookie.Value) > maxSecret {
		return nil, &backend.Error{Code: backend.CodeUnauthenticated, Message: noSession}
	}
	if err := errors.Join(a.sameOrigin(r), a.confidential(r)); err != nil {
		return nil, err
	}
	return a.sessions.admit(ctx, w, cookie.Value, a.clientAddress(r))
}

func (a *api) describeSession(_ context.Context, w http.ResponseWriter, _ *http.Request, by backend.Principal) error {
	return replyJSON(w, http.StatusOK, sessionOf(by))
}

// endSession signs a person out. If the session has ended already, its cookie is removed.
func (a *api) endSession(w http.ResponseWriter, r *http.Request) error {
	err := a.session(func(ctx context.Context, w http.ResponseWriter, _ *http.Request, by backend.Principal) error {
		return a.signedOut(w, by, a.Sessions.EndSession(ctx, by))
	})(w, r)
	if err == nil || publicError(err).Code != backend.CodeUnauthenticated {
		return err
	}
	return leave(w)
}

// endSessions signs an owner out everywhere.
func (a *api) endSessions(ctx context.Context, w http.ResponseWriter, _ *http.Request, by backend.Principal) error {
	return a.signedOut(w, by, a.Sessions.EndSessions(ctx, by))
}

// signedOut answers the call of an owner whose sessions were to be ended with a result.
func (a *api) signedOut(w http.ResponseWriter, by backend.Principal, err error) error {
	if err != nil {
		return err
	}
	a.sessions.signedOut(by.Owner) // the announcement arrives later
	return leave(w)
}

// leave removes the session's cookie.
func leave(w http.ResponseWriter) error {
	setCookie(w, sessionCookie, "", 0)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// sameOrigin returns an error for a write that another site's page makes: the browser
// would send the cookie along.
func (a *api) sameOrigin(r *http.Request) error {
	if err := a.origins.Check(r); err != nil {
		return &backend.Error{Code: CodeCrossOrigin,
			Message: "the call comes from another site's page; make it from this one", Err: err}
	}
	return nil
}

// confidential returns an error if the cookie could be read in transit: over HTTP, except
// on this machine.
func (a *api) confidential(r *http.Request) error {
	if a.overTLS(r) || onLoopback(r) {
		return nil
	}
	return &backend.Error{
		Code: CodeHTTPSRequired,
		Message: "this page is served over plain HTTP, where a key could be read in transit; to sign in, give the " +
			"platform a certificate: deploy it with CERTIFICATE_ARN, or with DOMAIN_NAME and HOSTED_ZONE_ID",
	}
}

// overTLS reports whether the load balancer received a request over TLS. Anybody else
// can write the header.
func (a *api) overTLS(r *http.Request) bool {
	return a.balanced(r) && r.Header.Get("X-Forwarded-Proto") == "https"
}

// balanced reports whether a request comes from the load balancer.
func (a *api) balanced(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && a.Balancers.IsValid() && a.Balancers.Contains(peer.Addr().Unmap())
}

// onLoopback reports whether a request comes from this machine and was made to it. The
// host's name counts, because a name on the internet can resolve to a loopback address.
func onLoopback(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && peer.Addr().Unmap().IsLoopback() && isLoopbackHost(r.Host)
}

func isLoopbackHost(hostport string) bool {
	host := hostport
	if name, _, err := net.SplitHostPort(hostport); err == nil {
		host = name
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && address.IsLoopback()
}
