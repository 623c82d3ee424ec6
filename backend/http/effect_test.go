package http_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A change is answered with what would be held, and nothing is recorded.
func TestPreviewChange(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	path := c.portfolio(t, key)
	made := c.do(t, key, "POST", path+"/transactions", trade)
	require.Equal(t, 201, made.Status, made.Body)
	sale := c.do(t, key, "POST", path+"/transactions",
		`{"kind":"SELL","date":"2026-01-02","symbol":"ACME","quantity":"4","price":"15","currency":"EUR"}`)
	require.Equal(t, 201, sale.Status, sale.Body)

	preview := func(body string) answered { return c.do(t, key, "POST", path+"/preview", body) }
	quantity := func(held any) any {
		return held.(map[string]any)["holdings"].([]any)[0].(map[string]any)["quantity"]
	}
	for _, test := range []struct{ name, body, after string }{
		{"added", `{"transaction":` + trade + `}`, "16"},
		{"replaced", `{"replace":"` + sale.id() + `","transaction":{"kind":"SELL","date":"2026-01-02","symbol":"ACME","quantity":"1","price":"15","currency":"EUR"}}`, "9"},
		{"deleted", `{"replace":"` + sale.id() + `"}`, "10"},
	} {
		got := preview(test.body)
		require.Equal(t, 200, got.Status, "%s: %s", test.name, got.Body)
		assert.Equal(t, "6", quantity(got.JSON["before"]), test.name)
		assert.Equal(t, test.after, quantity(got.JSON["after"]), test.name)
	}

	oversold := preview(`{"replace":"` + made.id() + `"}`)
	require.Equal(t, 200, oversold.Status, oversold.Body)
	assert.Nil(t, oversold.JSON["after"])
	assert.Len(t, oversold.JSON["problems"], 1, oversold.Body)

	assert.Equal(t, 400, preview(`{}`).Status)
	assert.Equal(t, 400, preview(`{"transaction":{"kind":"BUY","date":"2026-01-01"}}`).Status)
	assert.Equal(t, 404, preview(`{"replace":"00000000-0000-7000-8000-000000000000"}`).Status)
	assert.Equal(t, 404, c.do(t, c.all(t, "bob"), "POST", path+"/preview", `{"transaction":`+trade+`}`).Status)
	assert.Len(t, c.do(t, key, "GET", path+"/transactions", "").JSON["items"], 2, "nothing was recorded")
}

// An error carries the ID under which its request is in the log.
func TestAnswersCarryTheRequestID(t *testing.T) {
	c := newClient(t)
	got := c.do(t, "", "GET", "/v1/portfolios", "", "X-Amzn-Trace-Id", "Root=1-2")
	assert.Equal(t, "Root=1-2", got.Header.Get("X-Request-Id"))
	assert.NotEmpty(t, c.do(t, "", "GET", "/v1/portfolios", "").Header.Get("X-Request-Id"))
}
