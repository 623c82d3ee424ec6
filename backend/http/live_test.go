package http_test

import (
	"strings"
	"testing"
	"time"

	"portfolio/backend"

	"github.com/stretchr/testify/assert"
)

const watchedID = "01234567-89ab-cdef-0123-456789abcdef"

func TestConnectNeedsTicket(t *testing.T) {
	for name, test := range map[string]struct {
		query  string
		by     backend.Principal
		status int
		code   string
	}{
		"valid":                {`{"ticket":["t-1"]}`, reader, 204, ""},
		"none":                 {`{}`, reader, 401, "unauthenticated"},
		"no query":             {`null`, reader, 401, "unauthenticated"},
		"empty":                {`{"ticket":[""]}`, reader, 401, "unauthenticated"},
		"two":                  {`{"ticket":["t-1","t-1"]}`, reader, 401, "unauthenticated"},
		"another":              {`{"ticket":["t-2"]}`, reader, 401, "unauthenticated"},
		"long":                 {`{"ticket":["` + strings.Repeat("t", 129) + `"]}`, reader, 401, "unauthenticated"},
		"of a key for a feed":  {`{"ticket":["t-1"]}`, backend.Principal{KeyID: "k", Owner: "ann", Scopes: []backend.Scope{backend.ScopeFeed}}, 403, "forbidden"},
		"in another parameter": {`{"Ticket":["t-1"]}`, reader, 401, "unauthenticated"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakes()
			f.ticket(test.by)
			body := strings.Replace(connectBody, `{"ticket":["t-1"]}`, test.query, 1)
			response, answer := do(t, call(t, f.serve(t), "/internal/connect", body, goodKey, now))
			if test.status == 204 {
				assert.Equal(t, 204, response.StatusCode, answer)
				assert.Equal(t, "ann", f.connections["c-2"].Owner)
				return
			}
			assertProblem(t, response, answer, test.status, test.code)
			assert.NotContains(t, f.connections, "c-2")
		})
	}
}

func TestTicketIsValidOnce(t *testing.T) {
	f := newFakes()
	server := f.serve(t)
	response, _ := do(t, call(t, server, "/internal/connect", connectBody, goodKey, now))
	assert.Equal(t, 204, response.StatusCode)
	again := strings.Replace(connectBody, "c-2", "c-3", 1)
	response, body := do(t, call(t, server, "/internal/connect", again, goodKey, now.Add(time.Second)))
	assertProblem(t, response, body, 401, "unauthenticated")
	assert.NotContains(t, f.connections, "c-3")
	assert.NotContains(t, f.log.String(), "t-1", "tickets are not logged")
}

func TestLiveActions(t *testing.T) {
	for text, want := range map[string]struct{ watched, reply string }{
		`{"action":"subscribe","portfolio":"` + watchedID + `"}`:                          {"subscribe c-1 " + watchedID + " 0", `{"type":"subscribed","portfolio":"` + watchedID + `"}`},
		`{"action":"resume","portfolio":"` + watchedID + `","sequence":7}`:                {"subscribe c-1 " + watchedID + " 7", `{"type":"subscribed","portfolio":"` + watchedID + `"}`},
		`{"action":"unsubscribe","portfolio":"` + watchedID + `"}`:                        {"unsubscribe c-1 " + watchedID, `{"type":"unsubscribed","portfolio":"` + watchedID + `"}`},
		`{"action":"subscribe"}`:                                                          {},
		`{"action":"subscribe","portfolio":null}`:                                         {},
		`{"action":"subscribe","portfolio":7}`:                                            {},
		`{"action":"subscribe","portfolio":"' or true --"}`:                               {},
		`{"action":"subscribe","portfolio":"` + watchedID + `","more":1}`:                 {},
		`{"action":"resume","portfolio":"` + watchedID + `"}`:                             {},
		`{"action":"resume","portfolio":"` + watchedID + `","sequence":-1}`:               {},
		`{"action":"resume","portfolio":"` + watchedID + `","sequence":1.5}`:              {},
		`{"action":"resume","portfolio":"` + watchedID + `","sequence":1e30}`:             {},
		`{"action":"resume","portfolio":"` + watchedID + `","sequence":"1"}`:              {},
		`{"action":"resume","portfolio":"` + watchedID + `","sequence":9007199254740992}`: {},
	} {
		f := newFakes()
		response, body := do(t, call(t, f.serve(t), "/internal/message", messageBody("c-1", text), goodKey, now))
		assert.Equal(t, 200, response.StatusCode, text)
		if want.reply == "" {
			assert.Contains(t, body, `"code":"invalid_message"`, text)
			assert.Empty(t, f.watched, text)
			continue
		}
		assert.JSONEq(t, want.reply, body, text)
		assert.Equal(t, []string{want.watched}, f.watched, text)
	}
	f := newFakes()
	f.liveErr = &backend.Error{Code: backend.CodeNotFound, Message: "there is no such portfolio"}
	response, body := do(t, call(t, f.serve(t), "/internal/message",
		messageBody("c-1", `{"action":"subscribe","portfolio":"`+watchedID+`"}`), goodKey, now))
	assertProblem(t, response, body, 404, "not_found")
}
