package http

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"time"

	"portfolio/backend"
)

// attemptCookie holds the secret of an attempt to sign in at the identity provider.
const attemptCookie = "__Host-sign-in"

// attemptLifetime is how long the browser keeps it.
const attemptLifetime = 10 * time.Minute

const callbackPath = "/v1/sign-in/oidc/callback"

// beginOIDC sends a person to the identity provider.
func (a *api) beginOIDC(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), apiTimeout)
	defer cancel()
	if err := errors.Join(a.hasProvider(), a.confidential(r)); err != nil {
		return err
	}
	if err := a.guests.admit(a.clientAddress(r), a.Now()); err != nil {
		return toPage(w, "../../", err)
	}
	address, attempt, err := a.Provider.Begin(ctx, a.callback(r))
	if err != nil {
		return toPage(w, "../../", err)
	}
	setCookie(w, attemptCookie, attempt, attemptLifetime)
	w.Header().Set("Location", address)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// completeOIDC signs the person in whom the identity provider sends back.
func (a *api) completeOIDC(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), apiTimeout)
	defer cancel()
	if err := errors.Join(a.hasProvider(), a.confidential(r)); err != nil {
		return err
	}
	setCookie(w, attemptCookie, "", 0) // it is used only once
	return toPage(w, "../../../", a.complete(ctx, w, r))
}

func (a *api) complete(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	address, values := a.clientAddress(r), r.URL.Query()
	if err := a.guests.admit(address, a.Now()); err != nil {
		return err
	}
	if refusal := values.Get("error"); refusal != "" {
		return &backend.Error{Code: CodeSignInDenied, Message: "the identity provider did not sign anybody in",
			Err: errors.New(refusal)}
	}
	var attempt string
	if cookie, err := r.Cookie(attemptCookie); err == nil {
		attempt = cookie.Value
	}
	i, err := a.Provider.Complete(ctx, a.callback(r), attempt,
		backend.Sent{State: values.Get("state"), Code: values.Get("code")})
	if err != nil {
		if publicError(err).Code == backend.CodeUnauthenticated {
			a.guests.refused(address, a.Now())
		}
		return err
	}
	by, err := a.Identities.IdentityKey(ctx, i, a.Now().UTC())
	if err != nil {
		return err
	}
	note(w, slog.String("key", by.KeyID), slog.String("issuer", i.Issuer), slog.String("subject", i.Subject))
	_, err = a.enter(ctx, w, by, backend.SignInOIDC)
	return err
}

// hasProvider returns an error if there is no identity provider.
func (a *api) hasProvider() error {
	if a.Provider == nil {
		return &backend.Error{Code: backend.CodeNotFound, Message: "no identity provider is set up"}
	}
	return nil
}

// callback returns the address that the identity provider sends people back to, which
// it compares with those that it knows.
func (a *api) callback(r *http.Request) string {
	scheme := "http"
	if a.overTLS(r) {
		scheme = "https"
	}
	return scheme + "://" + r.Host + a.prefix(r) + callbackPath
}

// plainPrefix matches paths that mean the same to everybody.
var plainPrefix = regexp.MustCompile(`^(/[A-Za-z0-9_-][A-Za-z0-9._~-]*)+$`)

// prefix returns the path that a load balancer has removed from a request's, "" for none.
func (a *api) prefix(r *http.Request) string {
	prefix := strings.TrimSuffix(r.Header.Get("X-Forwarded-Prefix"), "/")
	if !a.balanced(r) || !plainPrefix.MatchString(prefix) {
		return ""
	}
	return prefix
}
