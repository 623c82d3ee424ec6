package apigateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/valyala/fasthttp"
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
	hashes       sync.Pool // of hash.Hash, HMACs with this key
}

// key returns the signing key for a day, which it keeps until another is asked for.
func (s *signer) key(secret, date string) *derivedKey {
	if k := s.last.Load(); k != nil && k.secret == secret && k.date == date {
		return k
	}
	key := []byte("AWS4" + secret)
	for _, part := range []string{date, s.region, service, "aws4_request"} {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(part))
		key = h.Sum(nil)
	}
	k := &derivedKey{secret: secret, date: date}
	k.hashes.New = func() any { return hmac.New(sha256.New, key) }
	s.last.Store(k)
	return k
}

// appendMAC appends the HMAC of a text in hexadecimal.
func (k *derivedKey) appendMAC(out, text []byte) []byte {
	h := k.hashes.Get().(hash.Hash)
	defer k.hashes.Put(h)
	h.Reset()
	h.Write(text)
	var sum [sha256.Size]byte
	return hex.AppendEncode(out, h.Sum(sum[:0]))
}

// call is what is signed, besides the headers that sign adds and contentType.
type call struct {
	method, host string
	path         string // escaped
	message      []byte
}

const contentType = "application/octet-stream"

// sign adds the headers of a signature to those of a call.
func (s *signer) sign(headers *fasthttp.RequestHeader, c call, credentials aws.Credentials, now time.Time) {
	const room = 2 << 10
	at := now.UTC().Format(timeFormat)
	date := at[:dateLength]
	names := "content-type;host;x-amz-date" // sorted
	text := append(make([]byte, 0, room), c.method...)
	text = append(text, '\n')
	text = append(text, escape(c.path, "/")...)
	text = append(text, "\n\n"...)
	if len(c.message) > 0 {
		names = "content-length;" + names
		text = append(text, "content-length:"...)
		text = append(strconv.AppendInt(text, int64(len(c.message)), 10), '\n')
	}
	text = append(append(append(text, "content-type:"+contentType+"\nhost:"...), c.host...), "\nx-amz-date:"...)
	text = append(append(text, at...), '\n')
	headers.Set("X-Amz-Date", at)
	if credentials.SessionToken != "" {
		headers.Set("X-Amz-Security-Token", credentials.SessionToken)
		names += ";x-amz-security-token"
		text = append(append(append(text, "x-amz-security-token:"...), credentials.SessionToken...), '\n')
	}
	text = append(append(append(text, '\n'), names...), '\n')
	text = appendSum(text, c.message)

	scope := date + "/" + s.region + "/" + service + "/aws4_request"
	signed := append(make([]byte, 0, room/4), algorithm+"\n"+at+"\n"+scope+"\n"...)
	signed = appendSum(signed, text)
	value := text[:0] // the hash of text is taken; its room is used again
	value = append(value, algorithm+" Credential="+credentials.AccessKeyID+"/"+scope...)
	value = append(value, ", SignedHeaders="+names+", Signature="...)
	headers.SetBytesV("Authorization", s.key(credentials.SecretAccessKey, date).appendMAC(value, signed))
}

// appendSum appends the hash of a text in hexadecimal.
func appendSum(out, text []byte) []byte {
	sum := sha256.Sum256(text)
	return hex.AppendEncode(out, sum[:])
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
