package http

import (
	"context"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"portfolio/backend"

	"golang.org/x/time/rate"
)

const (
	// authenticationAge is how long a key that was found good is not looked up
	// again, and so how long a revoked one may still be taken.
	authenticationAge = 5 * time.Second
	// maxKeyholders bounds the keys that are remembered, some 200 bytes each.
	maxKeyholders = 10_000
	// burstSeconds is how many seconds' worth of calls a key may make at once.
	burstSeconds = 2

	// apiTimeout bounds a call of the API: less than the server's for an answer.
	apiTimeout = 20 * time.Second
)

// CodeRateLimited is the code of a call too many of one key.
const CodeRateLimited backend.Code = "rate_limited"

// keyed is an endpoint for whoever has a key with the right scope.
type keyed func(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error

// keyholder is what is remembered of a key.
type keyholder struct {
	principal backend.Principal
	until     time.Time // looked up again from here on
	limiter   *rate.Limiter
}

// keyholders remembers keys for a while, so that a call costs no question to the
// database, and counts their calls.
type keyholders struct {
	keys  backend.APIKeys
	now   func() time.Time
	limit rate.Limit // calls a second of one key

	mu    sync.Mutex
	known map[backend.SecretHash]*keyholder
}

// authenticate gives whoever a key belongs to.
func (c *keyholders) authenticate(ctx context.Context, secret string) (*keyholder, error) {
	hash, now := backend.HashSecret(secret), c.now()
	c.mu.Lock()
	known := c.known[hash]
	c.mu.Unlock()
	if known != nil && now.Before(known.until) {
		return known, nil
	}
	principal, err := c.keys.Authenticate(ctx, hash, now)
	if err != nil {
		return nil, err
	}
	fresh := &keyholder{principal: principal, until: now.Add(authenticationAge)}
	if known != nil {
		fresh.limiter = known.limiter // what was used up stays so
	} else {
		fresh.limiter = rate.NewLimiter(c.limit, int(math.Ceil(float64(c.limit)*burstSeconds)))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= maxKeyholders {
		for hash, other := range c.known {
			if now.Sub(other.until) > time.Minute || len(c.known) >= maxKeyholders {
				delete(c.known, hash) // any one: it only has to be looked up again
			}
		}
	}
	c.known[hash] = fresh
	return fresh, nil
}

// keyed lets calls through whose key is good, has the scope and is within its rate.
func (a *api) keyed(scope backend.Scope, serve keyed) endpoint {
	return func(w http.ResponseWriter, r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), apiTimeout)
		defer cancel()
		secret, err := bearer(r)
		if err != nil {
			w.Header().Set("WWW-Authenticate", "Bearer")
			return err
		}
		who, err := a.keyholders.authenticate(ctx, secret)
		if err != nil {
			if publicError(err).Code == backend.CodeUnauthenticated {
				w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			}
			return err
		}
		note(w, slog.String("key", who.principal.KeyID))
		now := a.Now()
		reservation := who.limiter.ReserveN(now, 1)
		if wait := reservation.DelayFrom(now); wait > 0 {
			reservation.CancelAt(now)
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
			return &backend.Error{Code: CodeRateLimited, Message: "too many calls with this key, try again later"}
		}
		if !who.principal.May(scope) {
			return lacksScope(scope)
		}
		for _, name := range []string{portfolioID, transactionID, keyID} {
			if id := r.PathValue(name); id != "" && !backend.ValidID(id) {
				return &backend.Error{Code: backend.CodeNotFound, Message: "nothing has this id"}
			}
		}
		return serve(ctx, w, r, who.principal)
	}
}

// lacksScope is the error of a key without a scope.
func lacksScope(scope backend.Scope) error {
	return &backend.Error{Code: backend.CodeForbidden, Message: "the key lacks the scope " + string(scope)}
}

// bearer reads the key of a request (RFC 6750). It is taken from the header
// alone: a key in a URL ends in logs.
func bearer(r *http.Request) (string, error) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || secret == "" || len(secret) > 128 {
		return "", &backend.Error{Code: backend.CodeUnauthenticated, Message: "no API key: want the header Authorization: Bearer KEY"}
	}
	return secret, nil
}
