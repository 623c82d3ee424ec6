package http

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"portfolio/backend"
	"portfolio/contract/signature"
	"portfolio/contract/wire"
)

const (
	// maxBody bounds a call's body: JSON needs at most six bytes for a byte of a
	// message.
	maxBody     = 6*wire.MaxMessage + 64<<10
	bodyTimeout = 5 * time.Second // the WebSocket handler is in the same region

	// maxRefreshing bounds the calls that wait for fresh keys, each with its body in
	// memory: anybody can make such calls.
	maxRefreshing = 64

	// The handler should get an answer while it still waits for one.
	handshakeTimeout = wire.HandshakeTimeout - 2*time.Second
	messageTimeout   = wire.MessageTimeout - 5*time.Second

	// replayMemory is how long a signature is remembered and refused. It is valid
	// from MaxAge before to MaxAge after its timestamp; the rest allows for
	// differences between the instances' clocks.
	replayMemory = 2*signature.MaxAge + 5*time.Second
)

// caller is an endpoint for calls with a valid signature.
type caller func(ctx context.Context, w http.ResponseWriter, body []byte) error

// signed serves calls of the WebSocket handler, each only once.
func (a *api) signed(timeout time.Duration, serve caller) endpoint {
	return func(w http.ResponseWriter, r *http.Request) error {
		if signature.ID(r) == "" { // do not read its body
			return refused(signature.ErrMissing)
		}
		body, err := readBody(w, r, maxBody, bodyTimeout)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		if err := a.verify(ctx, r, body); err != nil {
			return err
		}
		first, err := a.Replays.Remember(ctx, signature.ID(r), replayMemory)
		if err != nil {
			return &backend.Error{Code: wire.CodeUnavailable,
				Message: "repeated calls cannot be detected at the moment; try again", Err: err}
		}
		if !first {
			return &backend.Error{Code: wire.CodeSignatureReplayed, Message: "the call was made before"}
		}
		return serve(ctx, w, body)
	}
}

// verify checks the signature. If no key produces it, verify reads the keys again,
// because they may have been rotated.
func (a *api) verify(ctx context.Context, r *http.Request, body []byte) error {
	keys, err := a.Keys.Keys(ctx)
	if err != nil {
		return &backend.Error{Code: wire.CodeUnavailable,
			Message: "signatures cannot be checked at the moment; try again", Err: err}
	}
	err = verifyAny(r, keys, body, a.Now())
	if !errors.Is(err, signature.ErrMismatch) {
		return refused(err)
	}
	select {
	case a.refreshing <- struct{}{}:
		defer func() { <-a.refreshing }()
	default:
		return refused(err)
	}
	if keys, err = a.Keys.Refresh(ctx); err != nil {
		return refused(errors.Join(signature.ErrMismatch, err))
	}
	return refused(verifyAny(r, keys, body, a.Now()))
}

// verifyAny returns nil if one of the keys produces the signature.
func verifyAny(r *http.Request, keys [][]byte, body []byte, now time.Time) error {
	err := signature.ErrMismatch
	for _, key := range keys {
		if err = signature.Verify(r, key, body, now); !errors.Is(err, signature.ErrMismatch) {
			return err
		}
	}
	return err
}

// refused returns the error for an invalid signature with its code, and nil for nil.
func refused(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, signature.ErrMissing):
		return &backend.Error{Code: wire.CodeSignatureMissing, Message: "the call is not signed", Err: err}
	case errors.Is(err, signature.ErrStale):
		return &backend.Error{Code: wire.CodeSignatureStale,
			Message: "the timestamp of the signature is too far from now", Err: err}
	default:
		return &backend.Error{Code: wire.CodeSignatureMismatch,
			Message: "the signature does not match the call", Err: err}
	}
}

// readBody reads a body of at most limit bytes that arrives within timeout.
func readBody(w http.ResponseWriter, r *http.Request, limit int64, timeout time.Duration) ([]byte, error) {
	if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err == nil {
		return body, nil // net/http removes the deadline after the body
	}
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, &backend.Error{Code: backend.CodeBodyTooLarge,
			Message: fmt.Sprintf("body: got more than %d KiB, want at most that", limit>>10), Err: err}
	}
	if late := net.Error(nil); errors.As(err, &late) && late.Timeout() {
		return nil, &backend.Error{Code: backend.CodeBodyTimeout,
			Message: fmt.Sprintf("body: got only a part within %s, want all of it", timeout), Err: err}
	}
	return nil, &backend.Error{Code: backend.CodeInvalidRequest,
		Message: "body: got an incomplete one, want all of it", Err: err}
}
