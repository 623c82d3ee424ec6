package backend

import (
	"context"
	"time"
)

// Identity is a person at an identity provider, and the owner as whom they act.
type Identity struct {
	Issuer  string // of the provider; with Subject it identifies the person permanently
	Subject string
	Owner   string
	Scopes  []Scope
}

// IdentityProvider signs people in on the service's behalf.
type IdentityProvider interface {
	// Name returns the name by which people know the provider.
	Name() string
	// Begin returns the address at which a person signs in and which sends them back to
	// returnTo afterwards. The attempt is a secret that the person's browser keeps.
	Begin(ctx context.Context, returnTo string) (address, attempt string, err error)
	// Complete returns who has signed in with an attempt, by what the provider sent to
	// the address returned to. The code of its error is CodeForbidden for people who are
	// not owners and CodeUnauthenticated for an attempt that is over.
	Complete(ctx context.Context, returnTo, attempt string, sent Sent) (Identity, error)
}

// Sent holds the parameters with which an identity provider sends a person back.
type Sent struct{ State, Code string }

// Identities keeps a key for each person of an identity provider. Its secret is not kept
// anywhere, so it is used for the person's sessions only.
type Identities interface {
	// IdentityKey returns the principal of a person's key, and creates it if there is
	// none. If the person's owner or scopes have changed, the key and so its sessions
	// end, and there is a new one.
	IdentityKey(ctx context.Context, i Identity, now time.Time) (Principal, error)
}
