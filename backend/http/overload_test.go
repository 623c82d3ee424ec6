package http

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"portfolio/backend"

	"github.com/stretchr/testify/assert"
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
		return &backend.Error{Code: backend.CodeNotFound, Message: "nothing has this id"}
	}))
	assert.Equal(t, http.StatusNotFound, call(quick).Code)
	assert.Zero(t, f.n.Load())
}
