package http

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"portfolio/backend"

	"github.com/stretchr/testify/assert"
	"golang.org/x/time/rate"
)

// As many calls as there may be are served, and one more is refused at once until one of
// them is done.
func TestOverload(t *testing.T) {
	var f flights
	var calls sync.WaitGroup
	started, finish := make(chan struct{}), make(chan struct{})
	slow := answer(f.bounded(func(w http.ResponseWriter, _ *http.Request) error {
		started <- struct{}{}
		<-finish
		return replyJSON(w, http.StatusOK, "done")
	}))
	call := func(h http.Handler) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/portfolios", nil))
		return w
	}
	for range maxInFlight {
		calls.Go(func() { assert.Equal(t, http.StatusOK, call(slow).Code) })
		<-started
	}
	refused := call(slow)
	assert.Equal(t, http.StatusServiceUnavailable, refused.Code)
	assert.Equal(t, overloadPause, refused.Header().Get("Retry-After"))
	assert.Contains(t, refused.Body.String(), `"code":"overloaded"`)
	assert.Equal(t, http.StatusOK, call(answer(health)).Code)
	close(finish)
	calls.Wait()
	quick := answer(f.bounded(func(w http.ResponseWriter, _ *http.Request) error {
		return &backend.Error{Code: backend.CodeNotFound, Message: "nothing has this ID"}
	}))
	assert.Equal(t, http.StatusNotFound, call(quick).Code)
	assert.Zero(t, f.n.Load())
}

// A history costs as many calls as it has work, but never more than a key may make at once.
func TestHistoriesCostTheirWork(t *testing.T) {
	now := time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)
	a := &api{Dependencies: Dependencies{Tracker: closes{symbols: 900}, Now: func() time.Time { return now }}}
	for _, test := range []struct {
		days   backend.Date
		before float64
		left   float64 // below zero: refused
	}{
		{1, 200, 200}, {365, 200, 191}, {3_650, 200, 110}, {3_650, 60, -1}, {3_650, 50, -1},
	} {
		limiter := rate.NewLimiter(100, 200)
		limiter.AllowN(now, 200-int(test.before))
		w := httptest.NewRecorder()
		to := backend.DateOf(now)
		err := a.charge(context.WithValue(t.Context(), limiterKey{}, limiter), w, "alice", "p", to-test.days+1, to)
		if test.left < 0 {
			assert.Equal(t, CodeRateLimited, publicError(err).Code)
			assert.Equal(t, "1", w.Header().Get("Retry-After"))
			continue
		}
		assert.NoError(t, err)
		assert.InDelta(t, test.left, limiter.TokensAt(now), 0.01, test.days)
	}
	small := rate.NewLimiter(1, 2)
	assert.NoError(t, a.charge(context.WithValue(t.Context(), limiterKey{}, small), httptest.NewRecorder(), "alice",
		"p", 800_000-3_649, 800_000))
	assert.InDelta(t, 0, small.TokensAt(now), 0.01)
}

// closes is a tracker of portfolios with that many symbols.
type closes struct {
	Tracker
	symbols int
}

func (c closes) Closes(_ context.Context, _, _ string, from, to backend.Date) (int, error) {
	return c.symbols * int(to-from+1), nil
}

// This many histories may be in flight at once; other calls are still served.
func TestTooManyHistories(t *testing.T) {
	a := &api{}
	serve := a.many(func(context.Context, http.ResponseWriter, *http.Request, backend.Principal) error { return nil })
	call := func() (*httptest.ResponseRecorder, error) {
		w := httptest.NewRecorder()
		return w, serve(t.Context(), w, httptest.NewRequest(http.MethodGet, "/", nil), backend.Principal{})
	}
	a.histories.n.Store(maxHistories)
	w, err := call()
	assert.Equal(t, CodeOverloaded, publicError(err).Code)
	assert.Equal(t, overloadPause, w.Header().Get("Retry-After"))
	a.histories.n.Store(maxHistories - 1)
	_, err = call()
	assert.NoError(t, err)
	assert.Equal(t, int64(maxHistories-1), a.histories.n.Load())
}
