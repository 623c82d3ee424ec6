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
	ScopeAdmin Scope = "admin" // make and revoke the owner's keys, read the owner's audit
)

// Scopes are all there are.
var Scopes = []Scope{ScopeRead, ScopeTrade, ScopeFeed, ScopeAdmin}

// Principal is who calls: a key that was found to be good.
type Principal struct {
	KeyID  string
	Owner  string // whose data it may touch
	Scopes []Scope
}

// May reports whether the key has a scope.
func (p Principal) May(s Scope) bool { return slices.Contains(p.Scopes, s) }

// APIKey is what is kept and shown of a key. The key itself is shown once and
// never kept.
type APIKey struct {
	ID        string     `json:"id"`
	Owner     string     `json:"owner"`
	Label     string     `json:"label"` // for people, 1–100 characters
	Scopes    []Scope    `json:"scopes"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at"` // null: never
	RevokedAt *time.Time `json:"revoked_at"` // null: it is good
}

// ValidateOwner checks the name of an owner, which is given once, to the owner's
// first key.
func ValidateOwner(name string) error {
	var p problems
	p.label("owner", name)
	return p.err()
}

// MaxLabel limits names and labels, in characters.
const MaxLabel = 100

// Validate reports every problem of what a person chose, joined: a FieldError each.
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
	return p.err()
}

// SecretHash is what is kept of a secret: its SHA-256. The secrets hashed here
// have 256 random bits, so that guessing is hopeless however fast the hash.
type SecretHash [sha256.Size]byte

// HashSecret hashes a secret as it came from a caller.
func HashSecret(secret string) SecretHash { return sha256.Sum256([]byte(secret)) }

// secretPrefix lets scanners find leaked keys.
const secretPrefix = "pfk_"

// NewSecret makes the secret of a key or a ticket: 256 random bits.
func NewSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return secretPrefix + base64.RawURLEncoding.EncodeToString(b[:])
}

// label checks a text that people give to what is theirs.
func (p *problems) label(path, text string) {
	switch n := utf8.RuneCountInString(text); {
	case strings.TrimSpace(text) == "" || n > MaxLabel || !utf8.ValidString(text):
		p.add(path, fmt.Sprintf("%d characters", n), fmt.Sprintf("1–%d characters of UTF-8, not white space alone", MaxLabel))
	case strings.ContainsFunc(text, unicode.IsControl):
		p.add(path, "a control character", "none")
	}
}
