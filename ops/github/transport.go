package github

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// attempts is the number of times that a request is tried at most.
const attempts = 5

// limitsWaited is the longest that a request waits for a rate limit to end.
const limitsWaited = 5 * time.Minute

// transport signs requests, and repeats those that GitHub asks to repeat later and
// failed ones that are safe to repeat.
type transport struct {
	next        http.RoundTripper
	host, token string
	log         io.Writer
	now         func() time.Time
	sleep       func(context.Context, time.Duration) error
}

func newTransport(host, token string, log io.Writer) *transport {
	next := http.DefaultTransport.(*http.Transport).Clone()
	next.ResponseHeaderTimeout = time.Minute
	return &transport{next: next, host: host, token: token, log: log, now: time.Now, sleep: sleep}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	for attempt := 1; ; attempt++ {
		try := request.Clone(request.Context())
		if request.GetBody != nil {
			body, err := request.GetBody()
			if err != nil {
				return nil, err
			}
			try.Body = body
		}
		if try.URL.Host == t.host { // a redirect may lead elsewhere
			try.Header.Set("Authorization", "Bearer "+t.token)
		}
		response, err := t.next.RoundTrip(try)
		wait, why := t.again(request.Method, response, err, attempt)
		if why == "" || attempt == attempts || request.Context().Err() != nil {
			return response, err
		}
		if response != nil {
			_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20)) // only to keep the connection
			_ = response.Body.Close()
		}
		fmt.Fprintf(t.log, "github: %s: trying again in %s\n", why, wait)
		if err := t.sleep(request.Context(), wait); err != nil {
			return nil, err
		}
	}
}

// again returns how long to wait before a request is repeated, and why; an empty reason
// means that the answer is final.
func (t *transport) again(method string, response *http.Response, err error, attempt int) (time.Duration, string) {
	backoff := time.Second << (attempt - 1)
	harmless := method == http.MethodGet || method == http.MethodPatch
	switch {
	case err != nil && harmless:
		return backoff, err.Error()
	case err != nil:
		return 0, ""
	case response.StatusCode >= http.StatusInternalServerError && harmless:
		return backoff, response.Status
	case response.StatusCode == http.StatusForbidden || response.StatusCode == http.StatusTooManyRequests:
		// A limited request was not carried out, so any may be repeated.
		if wait, limited := t.limit(response); limited && wait <= limitsWaited {
			return wait, "rate limit"
		}
	}
	return 0, ""
}

// limit returns how long GitHub asks to wait. If it does not say, a 403 means a missing
// right, and a 429 means a minute, according to GitHub's documentation.
func (t *transport) limit(response *http.Response) (time.Duration, bool) {
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	if response.Header.Get("X-RateLimit-Remaining") == "0" {
		if reset, err := strconv.ParseInt(response.Header.Get("X-RateLimit-Reset"), 10, 64); err == nil {
			return max(time.Unix(reset, 0).Sub(t.now()).Round(time.Second), 0) + time.Second, true
		}
	}
	return time.Minute, response.StatusCode == http.StatusTooManyRequests
}
