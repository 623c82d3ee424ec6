package platform

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTicket(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/v1/ws-tickets" || r.Header.Get("Authorization") != "Bearer good" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"ticket":"t-1","expires_at":"2026-01-01T00:00:00Z"}`)
	}))
	defer server.Close()
	p := &Platform{Endpoints: Endpoints{API: server.URL}}
	got, err := p.Ticket(t.Context(), "good")
	assert.NoError(t, err)
	assert.Equal(t, "t-1", got)
	_, err = p.Ticket(t.Context(), "bad")
	assert.EqualError(t, err, "POST /v1/ws-tickets: got status 401, want 201")
}
