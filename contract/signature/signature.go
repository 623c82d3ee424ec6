// Package signature signs and verifies the calls from the WebSocket handler to
// the service. The load balancer between them is open to the internet, so a call
// counts only when it was signed, a short while ago, with the key both read from
// Secrets Manager.
package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"
)

// The two headers that a signed call carries.
const (
	TimestampHeader = "X-Portfolio-Timestamp" // Unix time in milliseconds
	Header          = "X-Portfolio-Signature" // "v1=" and HMAC-SHA-256 in hex
)

// MaxAge is how far a timestamp may be from the verifier's clock, either way.
// A verifier that remembers signatures for twice as long sees each only once.
const MaxAge = 60 * time.Second

const version = "v1"

// Why a call was refused.
var (
	ErrMissing  = errors.New("signature missing or malformed")
	ErrStale    = errors.New("timestamp too far from now")
	ErrMismatch = errors.New("signature does not match")
)

// Sign sets both headers of a request for a body and the time now. The body has
// to hold something unique, or two honest calls of one millisecond are the same.
func Sign(r *http.Request, key, body []byte, now time.Time) {
	timestamp := strconv.FormatInt(now.UnixMilli(), 10)
	r.Header.Set(TimestampHeader, timestamp)
	r.Header.Set(Header, sign(r, key, body, timestamp))
}

// Verify reports whether a request carries a signature that fits the key, its
// method, path, query and body, and is no older or newer than MaxAge. Its error
// is ErrMissing, ErrStale or ErrMismatch; it takes the same time for each wrong
// signature.
func Verify(r *http.Request, key, body []byte, now time.Time) error {
	timestamp := r.Header.Get(TimestampHeader)
	milliseconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return ErrMissing
	}
	if !form.MatchString(ID(r)) {
		return ErrMissing
	}
	if now.Sub(time.UnixMilli(milliseconds)).Abs() > MaxAge {
		return ErrStale
	}
	if !hmac.Equal([]byte(ID(r)), []byte(sign(r, key, body, timestamp))) {
		return ErrMismatch
	}
	return nil
}

// form is how a signature looks: one spelling only, so that the same call cannot
// come back under another ID.
var form = regexp.MustCompile("^" + version + "=[0-9a-f]{64}$")

// ID is the signature as the request carries it: what a verifier remembers to
// refuse the same call a second time.
func ID(r *http.Request) string { return r.Header.Get(Header) }

// sign makes the signature, "v1=" and hex.
func sign(r *http.Request, key, body []byte, timestamp string) string {
	h := hmac.New(sha256.New, key)
	fmt.Fprintf(h, "%s\n%s\n%s\n%s\n%x", version, r.Method, r.URL.RequestURI(), timestamp, sha256.Sum256(body))
	return version + "=" + hex.EncodeToString(h.Sum(nil))
}
