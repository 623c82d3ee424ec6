// Package oidc signs people in at an OpenID Connect provider, with the authorization code
// flow and PKCE.
package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"portfolio/backend"
	"portfolio/contract/setting"
	"portfolio/contract/wire"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	// AttemptLifetime is how long a person may take at the provider.
	AttemptLifetime = 10 * time.Minute

	timeout = 5 * time.Second // of one call to the provider
)

// Config describes a provider and who of its people are owners.
type Config struct {
	Issuer   string
	ClientID string
	Secret   func(context.Context) (string, error) // of the client; nil if it has none
	Owners   []setting.Owner                       // the first that applies counts
	Now      func() time.Time
}

// Provider is an OpenID Connect provider. It is safe for concurrent use.
type Provider struct {
	Config
	client *http.Client

	mu         sync.Mutex
	discovered *oidc.Provider // nil until it was reached
}

var _ backend.IdentityProvider = (*Provider)(nil)

// New returns a provider, which is not contacted before somebody signs in.
func New(c Config) *Provider { return &Provider{Config: c, client: &http.Client{Timeout: timeout}} }

// Name implements backend.IdentityProvider: it returns the issuer's host.
func (p *Provider) Name() string {
	u, err := url.Parse(p.Issuer)
	if err != nil {
		return p.Issuer
	}
	return u.Hostname()
}

// attempt is one attempt of a person to sign in at the provider.
type attempt struct {
	state    string // ties the provider's answer to this attempt
	nonce    string // ties the ID token to it
	verifier string // proves to the provider that the request was ours (PKCE)
	began    time.Time
}

func (a attempt) String() string {
	return strings.Join([]string{a.state, a.nonce, a.verifier, strconv.FormatInt(a.began.Unix(), 10)}, ".")
}

// parseAttempt reads what attempt.String returned.
func parseAttempt(text string) (attempt, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 4 || slices.Contains(parts, "") {
		return attempt{}, expired(errors.New("the browser has no attempt to sign in"))
	}
	seconds, err := strconv.ParseInt(parts[3], 10, 64)
	return attempt{parts[0], parts[1], parts[2], time.Unix(seconds, 0)}, expired(err)
}

// Begin implements backend.IdentityProvider.
func (p *Provider) Begin(ctx context.Context, returnTo string) (address, secret string, err error) {
	provider, err := p.discover(ctx)
	if err != nil {
		return "", "", err
	}
	a := attempt{state: rand.Text(), nonce: rand.Text(), verifier: oauth2.GenerateVerifier(), began: p.Now()}
	flow, err := p.flow(ctx, provider, returnTo)
	if err != nil {
		return "", "", err
	}
	return flow.AuthCodeURL(a.state, oidc.Nonce(a.nonce), oauth2.S256ChallengeOption(a.verifier)), a.String(), nil
}

// Complete implements backend.IdentityProvider.
func (p *Provider) Complete(ctx context.Context, returnTo, secret string, sent backend.Sent) (backend.Identity, error) {
	a, err := parseAttempt(secret)
	if err != nil {
		return backend.Identity{}, err
	}
	switch age := p.Now().Sub(a.began); {
	case age < 0 || age > AttemptLifetime:
		return backend.Identity{}, expired(errors.New("the attempt to sign in took too long"))
	case subtle.ConstantTimeCompare([]byte(a.state), []byte(sent.State)) != 1:
		return backend.Identity{}, expired(errors.New("the state is not that of the attempt"))
	}
	token, err := p.exchange(ctx, returnTo, sent.Code, a)
	if err != nil {
		return backend.Identity{}, err
	}
	return p.identity(token)
}

// exchange returns the ID token for a code.
func (p *Provider) exchange(ctx context.Context, returnTo, code string, a attempt) (*oidc.IDToken, error) {
	provider, err := p.discover(ctx)
	if err != nil {
		return nil, err
	}
	flow, err := p.flow(ctx, provider, returnTo)
	if err != nil {
		return nil, err
	}
	ctx = oidc.ClientContext(ctx, p.client)
	tokens, err := flow.Exchange(ctx, code, oauth2.VerifierOption(a.verifier))
	if refused := (*oauth2.RetrieveError)(nil); errors.As(err, &refused) && refused.ErrorCode == "invalid_grant" {
		return nil, expired(err) // the code was used before, or is another attempt's
	}
	if err != nil {
		return nil, unavailable(err)
	}
	text, _ := tokens.Extra("id_token").(string)
	token, err := provider.Verifier(&oidc.Config{ClientID: p.ClientID, Now: p.Now}).Verify(ctx, text)
	if err != nil {
		return nil, expired(err)
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(a.nonce)) != 1 {
		return nil, expired(errors.New("the nonce is not that of the attempt"))
	}
	return token, nil
}

// identity returns the person that a token is about.
func (p *Provider) identity(token *oidc.IDToken) (backend.Identity, error) {
	var claims struct {
		Groups        []string `json:"groups"`         // Keycloak, Authentik
		CognitoGroups []string `json:"cognito:groups"` // Cognito
	}
	if err := token.Claims(&claims); err != nil {
		return backend.Identity{}, unavailable(err)
	}
	groups := slices.Concat(claims.Groups, claims.CognitoGroups)
	for _, o := range p.Owners {
		if o.Subject != "" && o.Subject != token.Subject || o.Group != "" && !slices.Contains(groups, o.Group) {
			continue
		}
		i := backend.Identity{Issuer: token.Issuer, Subject: token.Subject, Owner: o.Owner}
		for _, scope := range o.Scopes {
			i.Scopes = append(i.Scopes, backend.Scope(scope))
		}
		return i, nil
	}
	return backend.Identity{}, &backend.Error{
		Code: backend.CodeForbidden, Message: "the person who signed in is not an owner",
		Err: errors.New("subject " + strconv.Quote(token.Subject) + " is not in OIDC_OWNERS"),
	}
}

// flow returns the code flow that returns to an address.
func (p *Provider) flow(ctx context.Context, provider *oidc.Provider, returnTo string) (*oauth2.Config, error) {
	c := &oauth2.Config{ClientID: p.ClientID, Endpoint: provider.Endpoint(), RedirectURL: returnTo,
		Scopes: []string{oidc.ScopeOpenID, "profile"}}
	if p.Secret != nil {
		var err error
		if c.ClientSecret, err = p.Secret(ctx); err != nil {
			return nil, unavailable(err)
		}
	}
	var offered struct {
		Scopes []string `json:"scopes_supported"`
	}
	if err := provider.Claims(&offered); err == nil && slices.Contains(offered.Scopes, "groups") {
		c.Scopes = append(c.Scopes, "groups") // some providers leave the groups out otherwise
	}
	return c, nil
}

// discover returns the provider as its discovery document describes it. It asks again
// after a failure.
func (p *Provider) discover(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.discovered != nil {
		return p.discovered, nil
	}
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.Issuer)
	if err != nil {
		return nil, unavailable(err)
	}
	p.discovered = found
	return found, nil
}

// expired returns the error of an attempt that is over, and nil for nil.
func expired(err error) error {
	if err == nil {
		return nil
	}
	return &backend.Error{Code: backend.CodeUnauthenticated,
		Message: "the attempt to sign in is over; begin again", Err: err}
}

func unavailable(err error) error {
	return &backend.Error{Code: wire.CodeUnavailable,
		Message: "the identity provider cannot be used at the moment; try again", Err: err}
}
