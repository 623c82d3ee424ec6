package http

import (
	"context"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"portfolio/backend"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

const (
	// authenticationAge is how long a valid key is not looked up again. Revocations
	// are announced to every instance; this bounds how long one that was missed
	// has no effect.
	authenticationAge = time.Second
	// unknownAge is how long an invalid key is not looked up again.
	unknownAge = 10 * time.Second
	// maxKeyholders bounds the keys that are remembered, some 200 bytes each, of
	// those that are valid and of those that are not.
	maxKeyholders = 10_000
	// burstSeconds is how many seconds' worth of calls a key may make at once.
	burstSeconds = 2

	// apiTimeout bounds a call of the API: less than the server's for an answer.
	apiTimeout = 20 * time.Second
)

// CodeRateLimited is the code of a call that exceeds a rate limit.
const CodeRateLimited backend.Code = "rate_limited"

// keyed is an endpoint for callers whose key has the right scope.
type keyed func(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error

// keyholder is what is remembered of a valid key.
type keyholder struct {
	principal backend.Principal
	until     time.Time // when it has to be looked up again
	limiter   *rate.Limiter
}

// keyholders authenticates keys. It remembers them for a while, so that most calls
// need no query, and limits their calls.
type keyholders struct {
	keys   backend.APIKeys
	now    func() time.Time
	limit  rate.Limit // calls a second of one key
	guests *guests    // limits those who present keys that do not exist

	known   *lru.Cache[backend.SecretHash, *keyholder]
	unknown *lru.Cache[backend.SecretHash, time.Time] // when to look it up again
}

func newKeyholders(d Dependencies, g *guests) *keyholders {
	return &keyholders{
		keys: d.APIKeys, now: d.Now, limit: rate.Limit(d.RateLimit), guests: g,
		known:   newCache[backend.SecretHash, *keyholder](maxKeyholders),
		unknown: newCache[backend.SecretHash, time.Time](maxKeyholders),
	}
}

// newCache returns a cache that forgets what was not used for longest.
func newCache[K comparable, V any](size int) *lru.Cache[K, V] {
	c, err := lru.New[K, V](size)
	if err != nil {
		panic(err) // the size is not positive
	}
	return c
}

// authenticate returns the holder of a key that an address presents.
func (k *keyholders) authenticate(ctx context.Context, secret, address string) (*keyholder, error) {
	hash, now := backend.HashSecret(secret), k.now()
	known, found := k.known.Get(hash)
	if found && now.Before(known.until) {
		return known, nil
	}
	if until, found := k.unknown.Get(hash); found && now.Before(until) {
		return nil, &backend.Error{Code: backend.CodeUnauthenticated, Message: invalidKey}
	}
	if err := k.guests.admit(address, now); err != nil && !found {
		return nil, err
	}
	principal, err := k.keys.Authenticate(ctx, hash, now)
	if err != nil {
		if publicError(err).Code == backend.CodeUnauthenticated {
			k.known.Remove(hash)
			k.unknown.Add(hash, now.Add(unknownAge))
			k.guests.refused(address, now)
		}
		return nil, err
	}
	fresh := &keyholder{principal: principal, until: now.Add(authenticationAge)}
	if end := principal.ExpiresAt; end != nil && end.Before(fresh.until) {
		fresh.until = *end
	}
	if found {
		fresh.limiter = known.limiter // calls already made still count
	} else {
		fresh.limiter = rate.NewLimiter(k.limit, int(math.Ceil(float64(k.limit)*burstSeconds)))
	}
	k.known.Add(hash, fresh)
	return fresh, nil
}

// revoked forgets a key, so that its next call is refused.
func (k *keyholders) revoked(id string) {
	for _, hash := range k.known.Keys() {
		if holder, found := k.known.Peek(hash); found && holder.principal.KeyID == id {
			k.known.Remove(hash)
		}
	}
}

const invalidKey = "the API key is not valid"

// keyed serves calls whose key is valid, has the scope and is within its rate.
func (a *api) keyed(scope backend.Scope, serve keyed) endpoint {
	return func(w http.ResponseWriter, r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), apiTimeout)
		defer cancel()
		secret, err := bearer(r)
		if err != nil {
			w.Header().Set("WWW-Authenticate", "Bearer")
			return err
		}
		holder, err := a.keyholders.authenticate(ctx, secret, a.clientAddress(r))
		if err != nil {
			switch publicError(err).Code {
			case backend.CodeUnauthenticated:
				w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			case CodeRateLimited:
				w.Header().Set("Retry-After", strconv.Itoa(int(guestPause.Seconds())))
			}
			return err
		}
		note(w, slog.String("key", holder.principal.KeyID))
		now := a.Now()
		reservation := holder.limiter.ReserveN(now, 1)
		if wait := reservation.DelayFrom(now); wait > 0 {
			reservation.CancelAt(now)
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
			return &backend.Error{Code: CodeRateLimited, Message: "too many calls with this key; try again later"}
		}
		if !holder.principal.May(scope) {
			return lacksScope(scope)
		}
		for _, name := range []string{portfolioID, transactionID, keyID} {
			if id := r.PathValue(name); id != "" && !backend.ValidID(id) {
				return &backend.Error{Code: backend.CodeNotFound, Message: "nothing has this id"}
			}
		}
		return serve(ctx, w, r, holder.principal)
	}
}

// lacksScope is the error of a key without a scope.
func lacksScope(scope backend.Scope) error {
	return &backend.Error{Code: backend.CodeForbidden, Message: "the key lacks the scope " + string(scope)}
}

// bearer reads the key of a request (RFC 6750). Only the header is read, because URLs
// are logged on their way.
func bearer(r *http.Request) (string, error) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || secret == "" || len(secret) > 128 {
		return "", &backend.Error{
			Code: backend.CodeUnauthenticated, Message: "got no API key, want the header Authorization: Bearer KEY",
		}
	}
	return secret, nil
}
