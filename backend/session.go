package backend

import (
	"context"
	"time"
)

// Limits of sessions.
const (
	SessionIdle     = 12 * time.Hour     // a session ends if it is not used for so long
	SessionLifetime = 7 * 24 * time.Hour // a session ends then, however much it is used
	MaxSessions     = 100                // of one key; a further one ends the one that was not used for longest

	// SessionUse is how often the use of a session is recorded, so that not every
	// call writes. A session may end that much before SessionIdle is over.
	SessionUse = time.Minute
)

// SignIn is how a session was started.
type SignIn string

// The ways to sign in.
const (
	SignInKey  SignIn = "key"  // with an API key
	SignInLink SignIn = "link" // with a link that works once, on this machine
	SignInOIDC SignIn = "oidc" // with an identity provider
)

// Session is the time that a person is signed in at the page. It may do what its key may,
// and ends with it.
type Session struct {
	ID        string    `json:"id"`
	KeyID     string    `json:"key_id"`
	SignIn    SignIn    `json:"sign_in"`
	CreatedAt time.Time `json:"created_at"`
	EndsAt    time.Time `json:"ends_at"` // SessionLifetime after CreatedAt
}

// Sessions keeps sessions by the hashes of their secrets. Starts and ends are recorded
// in the audit.
type Sessions interface {
	// StartSession starts a session of by's key and returns its principal.
	StartSession(ctx context.Context, by Principal, how SignIn, hash SecretHash, now time.Time) (Principal, error)
	// ResumeSession returns the principal of a session that has not ended at now, and
	// records that it is used; the code of its error is CodeUnauthenticated otherwise.
	ResumeSession(ctx context.Context, hash SecretHash, now time.Time) (Principal, error)
	// EndSession ends by's session and closes its WebSockets. It is announced to all
	// instances. Ending it again is not an error.
	EndSession(ctx context.Context, by Principal) error
	// EndSessions ends all sessions of by's owner as EndSession does.
	EndSessions(ctx context.Context, by Principal) error
}
