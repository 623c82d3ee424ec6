package http_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSourcesOfPrices(t *testing.T) {
	c := newClient(t)
	got := c.do(t, c.all(t, "ada"), "GET", "/v1/sources", "")
	assert.Equal(t, map[string]any{"items": []any{map[string]any{
		"source": "twelvedata", "state": "working", "last_success": nil, "next_call": nil, "calls_left": 799.0,
		"held": []any{}, "problems": map[string]any{"ada": "unknown_symbol"},
	}}, "next": nil}, got.JSON, got.Body)
	assert.Equal(t, 400, c.do(t, c.all(t, "ada"), "GET", "/v1/sources?owner=bob", "").Status)
}

func TestMinorUnits(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	path := c.portfolio(t, key)
	got := c.do(t, key, "POST", path+"/transactions",
		`{"kind":"BUY","date":"2026-01-02","symbol":"ACM","quantity":"2","price":"812.5","fee":"50","currency":"GBX"}`)
	assert.Equal(t, []any{"8.125", "0.5", "GBP"},
		[]any{got.JSON["price"], got.JSON["fee"], got.JSON["currency"]}, got.Body)
	wrote := c.do(t, key, "POST", "/v1/quotes",
		`{"quotes":[{"symbol":"ACM","price":"900","currency":"GBp","source":"test","time":"2026-01-02T03:04:00Z"}]}`)
	assert.Equal(t, 200, wrote.Status, wrote.Body)
	quote := c.do(t, key, "GET", "/v1/quotes?symbols=ACM", "").JSON["quotes"].([]any)[0].(map[string]any)
	assert.Equal(t, []any{"9", "GBP", "2026-01-02T03:05:00Z"},
		[]any{quote["price"], quote["currency"], quote["fresh_until"]})
	close := c.do(t, key, "POST", "/v1/quotes", `{"quotes":[{"symbol":"ACM","price":"901","currency":"GBp","source":"test","time":"2026-01-02T03:04:01Z","fresh_until":"2026-01-05T20:30:00Z"}]}`)
	assert.Equal(t, 200, close.Status, close.Body)
	quote = c.do(t, key, "GET", "/v1/quotes?symbols=ACM", "").JSON["quotes"].([]any)[0].(map[string]any)
	assert.Equal(t, []any{"2026-01-05T20:30:00Z", false}, []any{quote["fresh_until"], quote["stale"]})
	refused := c.do(t, key, "POST", "/v1/quotes", `{"quotes":[{"symbol":"ACM","price":"901","currency":"GBX","source":"test","time":"2026-01-02T03:04:01Z","fresh_until":"2026-01-02T03:04:01Z"}]}`)
	assert.Contains(t, refused.Body, "quotes[0].fresh_until")
}
