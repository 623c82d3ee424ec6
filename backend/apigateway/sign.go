package apigateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	service    = "execute-api"
	timeFormat = "20060102T150405Z"
	dateLength = len("20060102")
)

// signer signs requests with Signature Version 4 (AWS IAM user guide, "Create a
// signed AWS API request"). It signs what the SDK's signer signs, in less time and
// memory, since all requests have the same headers and no query.
type signer struct {
	region string
	last   atomic.Pointer[derivedKey]
}

// derivedKey is the signing key for one day, region and service.
type derivedKey struct {
	secret, date string
	key          []byte
}

func (s *signer) key(secret, date string) []byte {
	if k := s.last.Load(); k != nil && k.secret == secret && k.date == date {
		return k.key
	}
	key := []byte("AWS4" + secret)
	for _, part := range []string{date, s.region, service, "aws4_request"} {
		key = mac(key, part)
	}
	s.last.Store(&derivedKey{secret, date, key})
	return key
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// sign adds the headers of a signature. The request has a host, a content type, an
// escaped path and no query.
func (s *signer) sign(r *http.Request, credentials aws.Credentials, message []byte, now time.Time) {
	at := now.UTC().Format(timeFormat)
	date := at[:dateLength]
	r.Header["X-Amz-Date"] = []string{at}
	var headers, names strings.Builder // sorted by name
	add := func(name, value string) {
		headers.WriteString(name + ":" + value + "\n")
		if names.Len() > 0 {
			names.WriteByte(';')
		}
		names.WriteString(name)
	}
	if len(message) > 0 {
		add("content-length", strconv.Itoa(len(message)))
	}
	add("content-type", r.Header["Content-Type"][0])
	add("host", r.Host)
	add("x-amz-date", at)
	if credentials.SessionToken != "" {
		r.Header["X-Amz-Security-Token"] = []string{credentials.SessionToken}
		add("x-amz-security-token", credentials.SessionToken)
	}
	scope := date + "/" + s.region + "/" + service + "/aws4_request"
	canonical := r.Method + "\n" + escape(r.URL.RawPath, "/") + "\n\n" +
		headers.String() + "\n" + names.String() + "\n" + sum(message)
	signature := mac(s.key(credentials.SecretAccessKey, date), algorithm+"\n"+at+"\n"+scope+"\n"+sum([]byte(canonical)))
	r.Header["Authorization"] = []string{algorithm + " Credential=" + credentials.AccessKeyID + "/" + scope +
		", SignedHeaders=" + names.String() + ", Signature=" + hex.EncodeToString(signature)}
}

func sum(text []byte) string {
	hash := sha256.Sum256(text)
	return hex.EncodeToString(hash[:])
}

// escape percent-encodes all but unreserved characters (RFC 3986) and those in keep.
func escape(text, keep string) string {
	const digits = "0123456789ABCDEF"
	var out strings.Builder
	out.Grow(len(text) + 16)
	for i := range len(text) {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			c == '-', c == '.', c == '_', c == '~', strings.IndexByte(keep, c) >= 0:
			out.WriteByte(c)
		default:
			out.WriteString("%" + digits[c>>4:c>>4+1] + digits[c&15:c&15+1])
		}
	}
	return out.String()
}
