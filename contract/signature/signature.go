// Package signature signs and verifies the calls from the WebSocket handler to
// the service. The load balancer between them is open to the internet, so the
// service accepts only calls that were signed recently with the key that both
// read from Secrets Manager.
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

// MaxAge is how far a timestamp may be from the verifier's clock in either
// direction. A verifier that remembers signatures for twice as long accepts each
// only once.
const MaxAge = 60 * time.Second

const version = "v1"

// Why a call was refused.
var (
	ErrMissing  = errors.New("signature missing or malformed")
	ErrStale    = errors.New("timestamp too far from now")
	ErrMismatch = errors.New("signature does not match")
)

// Sign sets both headers of a request with the given body at the time now. The body
// must be unique: two calls with the same body in the same millisecond have the
// same signature.
func Sign(r *http.Request, key, body []byte, now time.Time) {
	timestamp := strconv.FormatInt(now.UnixMilli(), 10)
	r.Header.Set(TimestampHeader, timestamp)
	r.Header.Set(Header, sign(r, key, body, timestamp))
}

// Verify returns nil if the request's signature matches the key, method, path, query
// and body, and its timestamp is within MaxAge of now. Otherwise it returns
// ErrMissing, ErrStale or ErrMismatch. Comparing takes the same time for every wrong
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

// form matches the only valid spelling of a signature, so that a call cannot be
// repeated under another ID.
var form = regexp.MustCompile("^" + version + "=[0-9a-f]{64}$")

// ID returns the signature that the request carries. A verifier remembers it in
// order to refuse the same call a second time.
func ID(r *http.Request) string { return r.Header.Get(Header) }

// sign returns the signature, "v1=" and hex.
func sign(r *http.Request, key, body []byte, timestamp string) string {
	h := hmac.New(sha256.New, key)
	fmt.Fprintf(h, "%s\n%s\n%s\n%s\n%x", version, r.Method, r.URL.RequestURI(), timestamp, sha256.Sum256(body))
	return version + "=" + hex.EncodeToString(h.Sum(nil))
}
