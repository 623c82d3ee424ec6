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

	// maxSecret limits the secrets that are looked up, in bytes.
	maxSecret = 128

	// apiTimeout bounds a call of the API: less than the server's for an answer.
	apiTimeout = 20 * time.Second
)

// CodeRateLimited is the code of a call that exceeds a rate limit.
const CodeRateLimited backend.Code = "rate_limited"

// keyed is an endpoint for callers whose key has the right scope.
type keyed func(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error

// authenticator returns the principal of a secret. The code of its error is
// CodeUnauthenticated if the secret is not valid.
type authenticator func(ctx context.Context, hash backend.SecretHash, now time.Time) (backend.Principal, error)

// keyholder is what is remembered about a valid key or session.
type keyholder struct {
	principal backend.Principal
	until     time.Time // when it has to be looked up again
	limiter   *rate.Limiter
}

// keyholders authenticates keys or sessions. It remembers them for a while, so that most
// calls need no query, and limits their calls.
type keyholders struct {
	look    authenticator
	invalid string // the message about a secret that is not valid
	now     func() time.Time
	limit   rate.Limit // calls per second of one secret
	guests  *guests    // limits those who present secrets that do not exist

	known   *lru.Cache[backend.SecretHash, *keyholder]
	unknown *lru.Cache[backend.SecretHash, time.Time] // when to look it up again
}

func newKeyholders(d Dependencies, g *guests, look authenticator, invalid string) *keyholders {
	return &keyholders{
		look: look, invalid: invalid, now: d.Now, limit: rate.Limit(d.RateLimit), guests: g,
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

// authenticate returns the holder of a secret that an address presents.
func (k *keyholders) authenticate(ctx context.Context, secret, address string) (*keyholder, error) {
	hash, now := backend.HashSecret(secret), k.now()
	known, found := k.known.Get(hash)
	if found && now.Before(known.until) {
		return known, nil
	}
	if until, found := k.unknown.Get(hash); found && now.Before(until) {
		return nil, &backend.Error{Code: backend.CodeUnauthenticated, Message: k.invalid}
	}
	if err := k.guests.admit(address, now); err != nil && !found {
		return nil, err
	}
	principal, err := k.look(ctx, hash, now)
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

// revoked forgets a key and its sessions, so that their next call is refused.
func (k *keyholders) revoked(id string) {
	k.forget(func(p backend.Principal) bool { return p.KeyID == id })
}

// signedOut forgets an owner's secrets, so that each is looked up again.
func (k *keyholders) signedOut(owner string) {
	k.forget(func(p backend.Principal) bool { return p.Owner == owner })
}

func (k *keyholders) forget(match func(backend.Principal) bool) {
	for _, hash := range k.known.Keys() {
		if holder, found := k.known.Peek(hash); found && match(holder.principal) {
			k.known.Remove(hash)
		}
	}
}

// admit returns the holder of a secret that an address presents, if the call is within
// its rate.
func (k *keyholders) admit(ctx context.Context, w http.ResponseWriter, secret, address string) (*keyholder, error) {
	holder, err := k.authenticate(ctx, secret, address)
	if err != nil {
		if publicError(err).Code == CodeRateLimited {
			w.Header().Set("Retry-After", strconv.Itoa(int(guestPause.Seconds())))
		}
		return nil, err
	}
	note(w, slog.String("key", holder.principal.KeyID))
	if err := take(w, holder.limiter, k.now(), 1); err != nil {
		return nil, err
	}
	return holder, nil
}

// take takes calls from a limit, or returns the error of a call beyond it. It never takes
// more than the limit allows at once.
func take(w http.ResponseWriter, limiter *rate.Limiter, now time.Time, calls int) error {
	reservation := limiter.ReserveN(now, min(calls, limiter.Burst()))
	if wait := reservation.DelayFrom(now); wait > 0 {
		reservation.CancelAt(now)
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		return &backend.Error{Code: CodeRateLimited, Message: "too many calls with this key; try again later"}
	}
	return nil
}

// limiterKey is the key of the limiter in the context of a call.
type limiterKey struct{}

// closesPerCall is how many closing prices a call may read for the price of one: those
// of 100 symbols in a year.
const closesPerCall = 100 * 365

// charge takes from the caller's limit what a history or a performance costs by the
// closing prices that it reads, besides the one that every call costs.
func (a *api) charge(ctx context.Context, w http.ResponseWriter, owner, id string, from, to backend.Date) error {
	closes, err := a.Tracker.Closes(ctx, owner, id, from, to)
	if err != nil {
		return err
	}
	return a.chargeFor(ctx, w, closes)
}

// chargeFor is charge for a number of prices.
func (a *api) chargeFor(ctx context.Context, w http.ResponseWriter, prices int) error {
	limiter, limited := ctx.Value(limiterKey{}).(*rate.Limiter)
	if more := prices / closesPerCall; limited && more > 0 {
		return take(w, limiter, a.Now(), more)
	}
	return nil
}

const invalidKey = "the API key is not valid"

// keyed serves calls whose key or session is valid, has the scope and is within its rate.
func (a *api) keyed(scope backend.Scope, serve keyed) endpoint {
	return a.flights.bounded(func(w http.ResponseWriter, r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), apiTimeout)
		defer cancel()
		holder, err := a.caller(ctx, w, r)
		if err != nil {
			return err
		}
		if !holder.principal.May(scope) {
			return lacksScope(scope)
		}
		for _, name := range []string{portfolioID, transactionID, keyID} {
			if id := r.PathValue(name); id != "" && !backend.ValidID(id) {
				return &backend.Error{Code: backend.CodeNotFound, Message: "nothing has this ID"}
			}
		}
		return serve(context.WithValue(ctx, limiterKey{}, holder.limiter), w, r, holder.principal)
	})
}

// caller returns who makes a call: the key in its header or else the session in its cookie.
func (a *api) caller(ctx context.Context, w http.ResponseWriter, r *http.Request) (*keyholder, error) {
	if r.Header.Get("Authorization") == "" {
		if _, err := r.Cookie(sessionCookie); err == nil {
			return a.signedIn(ctx, w, r)
		}
	}
	secret, err := bearer(r)
	if err != nil {
		w.Header().Set("WWW-Authenticate", "Bearer")
		return nil, err
	}
	holder, err := a.keyholders.admit(ctx, w, secret, a.clientAddress(r))
	if err != nil && publicError(err).Code == backend.CodeUnauthenticated {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	}
	return holder, err
}

// lacksScope is the error of a key without a scope.
func lacksScope(scope backend.Scope) error {
	return &backend.Error{Code: backend.CodeForbidden, Message: "the key lacks the scope " + string(scope)}
}

// bearer reads the key of a request (RFC 6750). Only the header is read, because servers
// and proxies log URLs.
func bearer(r *http.Request) (string, error) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || secret == "" || len(secret) > maxSecret {
		return "", &backend.Error{
			Code: backend.CodeUnauthenticated, Message: "got no API key, want the header Authorization: Bearer KEY",
		}
	}
	return secret, nil
}
