package signature_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"portfolio/contract/signature"

	"github.com/stretchr/testify/assert"
)

var (
	key  = []byte("a key of enough characters")
	body = []byte(`{"requestId":"r-1"}`)
	now  = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
)

func signed() *http.Request {
	r := httptest.NewRequest(http.MethodPost, "http://alb.example/internal/message?a=b", nil)
	signature.Sign(r, key, body, now)
	return r
}

func TestVerify(t *testing.T) {
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for name, test := range map[string]struct {
		change func(*http.Request)
		key    string
		body   string
		after  time.Duration
		want   error
	}{
		"as signed":                 {},
		"at the edge of its age":    {after: signature.MaxAge},
		"clock behind, at the edge": {after: -signature.MaxAge},
		"too old":                   {after: signature.MaxAge + time.Millisecond, want: signature.ErrStale},
		"from the future":           {after: -signature.MaxAge - time.Millisecond, want: signature.ErrStale},
		"another key":               {key: "another", want: signature.ErrMismatch},
		"another body":              {body: "{}", want: signature.ErrMismatch},
		"another method":            {change: func(r *http.Request) { r.Method = http.MethodPut }, want: signature.ErrMismatch},
		"another path":              {change: func(r *http.Request) { r.URL.Path = "/internal/connect" }, want: signature.ErrMismatch},
		"another query":             {change: func(r *http.Request) { r.URL.RawQuery = "a=c" }, want: signature.ErrMismatch},
		"another host":              {change: func(r *http.Request) { r.Host = "other" }},
		"no signature":              {change: header(signature.Header, ""), want: signature.ErrMissing},
		"no timestamp":              {change: header(signature.TimestampHeader, ""), want: signature.ErrMissing},
		"another timestamp":         {change: header(signature.TimestampHeader, "1767323045001"), want: signature.ErrMismatch},
		"timestamp not a number":    {change: header(signature.TimestampHeader, "soon"), want: signature.ErrMissing},
		"another version":           {change: header(signature.Header, "v2="+strings.Repeat("0", 64)), want: signature.ErrMissing},
		"in upper case":             {change: func(r *http.Request) { r.Header.Set(signature.Header, "v1="+strings.ToUpper(signature.ID(r)[3:])) }, want: signature.ErrMissing},
		"not hex":                   {change: header(signature.Header, "v1=zz"), want: signature.ErrMissing},
		"truncated":                 {change: header(signature.Header, "v1=00"), want: signature.ErrMissing},
		"all zeros":                 {change: header(signature.Header, "v1="+strings.Repeat("0", 64)), want: signature.ErrMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			r, k, b := signed(), key, body
			if test.change != nil {
				test.change(r)
			}
			if test.key != "" {
				k = []byte(test.key)
			}
			if test.body != "" {
				b = []byte(test.body)
			}
			assert.ErrorIs(t, signature.Verify(r, k, b, now.Add(test.after)), test.want)
		})
	}
}

// Other programs can make the same signature: this one was made with openssl.
func TestSignKnownAnswer(t *testing.T) {
	assert.Equal(t, "1767323045000", signed().Header.Get(signature.TimestampHeader))
	assert.Equal(t, "v1=7b79e12af96e812fcfd0d35ff570a2e432ad6418e2a3435e3cc6b3c0d5e8c514", signature.ID(signed()))
}
