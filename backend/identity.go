package backend

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Scope is what a key may be used for.
type Scope string

// The scopes. None includes another.
const (
	ScopeRead  Scope = "read"  // see the owner's portfolios, and open a WebSocket
	ScopeTrade Scope = "trade" // change the owner's portfolios and transactions
	ScopeFeed  Scope = "feed"  // write quotes and rates, which every owner sees
	ScopeAdmin Scope = "admin" // create and revoke the owner's keys, read the owner's audit
)

// Scopes are all scopes.
var Scopes = []Scope{ScopeRead, ScopeTrade, ScopeFeed, ScopeAdmin}

// Principal is the caller: a valid key, or a session of one.
type Principal struct {
	KeyID     string
	SessionID string // "" for a call with the key itself
	Owner     string // whose data the key may access
	Scopes    []Scope
	Sources   []string   // that a feed may write; nil for any
	ExpiresAt *time.Time // of the key or, if that is earlier, of the session; nil for never
}

// May reports whether the key has a scope.
func (p Principal) May(s Scope) bool { return slices.Contains(p.Scopes, s) }

// MayWrite reports whether the key may write quotes and rates of a source.
func (p Principal) MayWrite(source string) bool {
	return p.May(ScopeFeed) && (p.Sources == nil || slices.Contains(p.Sources, source))
}

// Grant returns an error with CodeForbidden unless the key may create another one: a
// key cannot create one that may do more than itself.
func (p Principal) Grant(k APIKey) error {
	for _, s := range k.Scopes {
		if !p.May(s) {
			return &Error{Code: CodeForbidden, Message: fmt.Sprintf("the key lacks the scope %.16s itself", s)}
		}
	}
	if p.Sources == nil || !slices.Contains(k.Scopes, ScopeFeed) {
		return nil
	}
	if k.Sources == nil {
		return &Error{Code: CodeForbidden, Message: "sources: got none, want some that this key may write"}
	}
	for _, source := range k.Sources {
		if !p.MayWrite(source) {
			return &Error{Code: CodeForbidden,
				Message: fmt.Sprintf("this key may not write the source %.64q itself", source)}
		}
	}
	return nil
}

// APIKey describes a key. The key itself is shown once and only its hash is stored.
type APIKey struct {
	ID        string     `json:"id"`
	Owner     string     `json:"owner"`
	Label     string     `json:"label"` // for people, 1–100 characters
	Scopes    []Scope    `json:"scopes"`
	CreatedAt time.Time  `json:"created_at"`
	Sources   []string   `json:"sources"`    // that a feed may write; null for any, which only the command line grants
	ExpiresAt *time.Time `json:"expires_at"` // null for never
	RevokedAt *time.Time `json:"revoked_at"` // null unless revoked
}

// ValidateOwner checks the name of an owner, which is set once, with the owner's
// first key.
func ValidateOwner(name string) error {
	var p problems
	p.label("owner", name)
	return p.err()
}

// Limits of what callers choose about a key.
const (
	MaxLabel   = 100 // characters of names and labels
	MaxSources = 100 // that one key may write
)

// Validate returns all problems of what the caller chose, joined: a FieldError each.
func (k APIKey) Validate() error {
	var p problems
	p.label("label", k.Label)
	if len(k.Scopes) == 0 {
		p.add("scopes", "none", "one or more of read, trade, feed, admin")
	}
	for i, s := range k.Scopes {
		if !slices.Contains(Scopes, s) {
			p.add(fmt.Sprintf("scopes[%d]", i), fmt.Sprintf("%.16q", s), "read, trade, feed or admin")
		}
	}
	k.validateSources(&p)
	return p.err()
}

func (k APIKey) validateSources(p *problems) {
	switch {
	case k.Sources == nil:
		return
	case !slices.Contains(k.Scopes, ScopeFeed):
		p.add("sources", "a value", "none without the scope feed")
	case len(k.Sources) == 0 || len(k.Sources) > MaxSources:
		p.add("sources", fmt.Sprintf("%d of them", len(k.Sources)), fmt.Sprintf("1–%d", MaxSources))
	}
	for i, source := range k.Sources {
		p.source(fmt.Sprintf("sources[%d]", i), source)
	}
}

// SecretHash is what is stored of a secret: its SHA-256. The secrets hashed here
// have 256 random bits, so that they cannot be guessed even though the hash is fast.
type SecretHash [sha256.Size]byte

// HashSecret hashes a secret as a caller presents it.
func HashSecret(secret string) SecretHash { return sha256.Sum256([]byte(secret)) }

// Prefixes let scanners find leaked secrets.
const (
	secretPrefix  = "pfk_"
	sessionPrefix = "pfs_"
)

// NewSecret makes the secret of a key or a ticket: 256 random bits.
func NewSecret() string { return secretPrefix + random() }

// NewSessionSecret makes the secret of a session: 256 random bits.
func NewSessionSecret() string { return sessionPrefix + random() }

// random returns 256 random bits as text.
func random() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// label checks a name or a label.
func (p *problems) label(path, text string) {
	switch n := utf8.RuneCountInString(text); {
	case strings.TrimSpace(text) == "" || n > MaxLabel || !utf8.ValidString(text):
		p.add(path, fmt.Sprintf("%d characters", n),
			fmt.Sprintf("1–%d characters of UTF-8, not only white space", MaxLabel))
	case strings.ContainsFunc(text, unicode.IsControl):
		p.add(path, "a control character", "none")
	}
}
