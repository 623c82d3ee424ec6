package main_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// browser is a client that has a session's cookie, which browsers send to both instances:
// they are ports of one host.
type browser struct {
	t      *testing.T
	cookie *http.Cookie
}

// signIn signs in at an instance with a key.
func signIn(t *testing.T, i *instance, apiKey string) *browser {
	t.Helper()
	response, err := client.Post(i.base+"/v1/session", "application/json", strings.NewReader(`{"key":"`+apiKey+`"}`))
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusCreated, response.StatusCode)
	require.Len(t, response.Cookies(), 1)
	return &browser{t, response.Cookies()[0]}
}

// call makes a call with the cookie and nothing else.
func (b *browser) call(i *instance, method, path string) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, i.base+path, strings.NewReader(""))
	require.NoError(b.t, err)
	r.AddCookie(b.cookie)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return i.send(r)
}

// connect opens a WebSocket with a ticket of the session.
func (b *browser) connect(i *instance, id string) {
	b.t.Helper()
	issued := b.call(i, http.MethodPost, "/v1/ws-tickets")
	require.Equal(b.t, http.StatusCreated, issued.Status, issued.Body)
	var ticket struct{ Ticket, URL string }
	require.NoError(b.t, json.Unmarshal([]byte(issued.Body), &ticket))
	assert.Equal(b.t, "wss://socket.example/prod", ticket.URL)
	a := i.send(i.call("/internal/connect", key, connectBody(id, ticket.Ticket), time.Now()))
	require.Equal(b.t, http.StatusNoContent, a.Status, a.Body)
}

// A session is good at every instance. Within a second of its end at one of them, or of
// its key's, its calls are refused at each and its WebSockets are closed.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.two(t)
	admin := w.key(t)
	var phone struct{ ID, Key string }
	one.api(admin, http.MethodPost, "/v1/keys", `{"label":"phone","scopes":["read"]}`, http.StatusCreated, &phone)

	stays, revoked, left, everywhere := signIn(t, one, w.keyOf(t, "eve")), signIn(t, two, phone.Key),
		signIn(t, one, admin), signIn(t, two, admin)
	for id, b := range map[string]*browser{"stays=": stays, "revoked=": revoked, "left=": left,
		"everywhere=": everywhere} {
		for _, i := range []*instance{one, two} {
			require.Equal(t, http.StatusOK, b.call(i, http.MethodGet, "/v1/session").Status, id)
		}
		b.connect(one, id)
	}
	const bound = 5 * time.Second // allows for a busy machine; an idle one takes less than a second
	ended := func(b *browser, id string) {
		t.Helper()
		begin := time.Now()
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			for _, i := range []*instance{one, two} {
				assert.Equal(c, http.StatusUnauthorized, b.call(i, http.MethodGet, "/v1/portfolios").Status)
			}
			messages := w.cloud.messages(id)
			require.Len(c, messages, 2)
			assert.Contains(c, messages[0], `"code":"unauthorized"`)
			assert.Equal(c, closed, messages[1])
		}, bound, 10*time.Millisecond, id)
		t.Logf("%s ended everywhere after %s", id, time.Since(begin).Round(time.Millisecond))
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodDelete,
		one.base+"/v1/keys/"+phone.ID, strings.NewReader(""))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+admin)
	require.Equal(t, http.StatusNoContent, one.send(r).Status)
	ended(revoked, "revoked=")

	require.Equal(t, http.StatusNoContent, left.call(two, http.MethodDelete, "/v1/session").Status)
	ended(left, "left=")
	assert.Empty(t, w.cloud.messages("everywhere="), "another session of the same key")
	require.Equal(t, http.StatusNoContent, everywhere.call(one, http.MethodDelete, "/v1/sessions").Status)
	ended(everywhere, "everywhere=")
	assert.Equal(t, http.StatusOK, stays.call(two, http.MethodGet, "/v1/session").Status)
	assert.Empty(t, w.cloud.messages("stays="))
}
