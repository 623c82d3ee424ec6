package http_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Past days show the names that instruments have now, whether they were stored or not, and
// are stored without.
func TestPastDaysHaveNames(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	path := c.portfolio(t, key)
	c.do(t, key, "POST", path+"/transactions",
		`{"kind":"BUY","date":"2025-12-01","symbol":"A.B","quantity":"1","price":"5","currency":"USD"}`)
	c.do(t, key, "POST", path+"/transactions",
		`{"kind":"BUY","date":"2025-12-01","symbol":"ACME","quantity":"1","price":"5","currency":"USD"}`)
	nameless := c.do(t, key, "GET", path+"/valuation?as_of=2026-01-01", "").Body
	require.NotContains(t, nameless, `"name"`)
	c.fakes.names = map[string]string{"ACME": `Acme "Old" & Sons`, "A.B": "Less"}
	computed := c.do(t, key, "GET", path+"/valuation?as_of=2026-01-01", "")
	assert.Equal(t, "recomputed", computed.Header.Get("Basis"))
	c.fakes.days = map[string]string{strings.TrimPrefix(path, "/v1/portfolios/") + " 2026-01-01": nameless}
	kept := c.do(t, key, "GET", path+"/valuation?as_of=2026-01-01", "")
	assert.Equal(t, "kept", kept.Header.Get("Basis"))
	assert.Equal(t, strings.TrimSpace(computed.Body), strings.TrimSpace(kept.Body))
	var got []any
	for _, p := range kept.JSON["positions"].([]any) {
		got = append(got, p.(map[string]any)["name"])
	}
	assert.Equal(t, []any{"Less", `Acme "Old" & Sons`}, got)
}

// A past day is answered as it was stored, to its owner only. If it was not stored, or
// cannot be read, it is computed.
func TestStoredDays(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	path := c.portfolio(t, key)
	get := func(query, basis string) answered {
		t.Helper()
		got := c.do(t, key, "GET", path+"/valuation"+query, "")
		assert.Equal(t, basis, got.Header.Get("Basis"), query)
		return got
	}
	store := func(text string) {
		c.fakes.days = map[string]string{strings.TrimPrefix(path, "/v1/portfolios/") + " 2026-01-01": text}
	}
	computed := get("?as_of=2026-01-01", "recomputed")
	require.Equal(t, "0", computed.JSON["total"], computed.Body)
	assert.NotContains(t, computed.JSON, "superseded")
	store(" " + strings.TrimSpace(computed.Body) + "\n")
	for _, at := range []string{"2026-01-01", "2026-01-01T23:59:59.999999999Z"} {
		assert.Equal(t, strings.TrimSpace(computed.Body), strings.TrimSpace(get("?as_of="+at, "kept").Body), at)
	}

	stored := strings.Replace(strings.TrimSpace(computed.Body), `"total":"0"`, `"total":"12"`, 1)
	store(stored + "\n")
	for _, at := range []string{"2026-01-01", "2026-01-01T23:59:59.999999999Z", "2026-01-01&recomputed=false"} {
		got := get("?as_of="+at, "kept;superseded")
		assert.Equal(t, strings.TrimSuffix(stored, "}")+`,"superseded":true}`, strings.TrimSpace(got.Body), at)
	}
	assert.Equal(t, computed.Body, get("?as_of=2026-01-01&recomputed=true", "recomputed").Body)
	for _, at := range []string{"?as_of=2025-12-31", "?as_of=2026-01-01T12:00:00Z"} {
		assert.Equal(t, "0", get(at, "recomputed").JSON["total"], at)
	}
	for _, now := range []string{"", "?as_of=2026-01-02", "?recomputed=true"} {
		assert.Equal(t, "0", get(now, "").JSON["total"], now)
	}
	other := c.do(t, c.all(t, "bob"), "GET", path+"/valuation?as_of=2026-01-01", "")
	assert.Equal(t, 404, other.Status)

	store(`{"total":`)
	assert.Equal(t, "0", get("?as_of=2026-01-01", "recomputed").JSON["total"])
	assert.Contains(t, c.fakes.log.String(), `"daysError":"unexpected end of JSON input"`)
	c.fakes.days, c.fakes.daysErr = nil, errors.New("access denied")
	assert.Equal(t, "0", get("?as_of=2026-01-01", "recomputed").JSON["total"])
	assert.Contains(t, c.fakes.log.String(), `"daysError":"access denied"`)
}

// A day closes in the portfolio's time zone. One that was stored while the portfolio
// was in another is not what is asked for.
func TestStoredDaysFollowTheTimeZone(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	created := c.do(t, key, "POST", "/v1/portfolios",
		`{"name":"Far","base_currency":"AUD","time_zone":"Australia/Sydney"}`)
	require.Equal(t, 201, created.Status, created.Body)
	path := "/v1/portfolios/" + created.id()
	const query = "/valuation?as_of=2026-01-01"
	computed := c.do(t, key, "GET", path+query, "")
	assert.Equal(t, "recomputed", computed.Header.Get("Basis"))
	require.Equal(t, "2026-01-01T12:59:59.999999999Z", computed.JSON["as_of"])
	keep := func(text string) { c.fakes.days = map[string]string{created.id() + " 2026-01-01": text} }

	keep(computed.Body)
	for _, at := range []string{query, "/valuation?as_of=2026-01-01T12:59:59.999999999Z"} {
		assert.Equal(t, "kept", c.do(t, key, "GET", path+at, "").Header.Get("Basis"), at)
	}
	assert.Equal(t, "recomputed", c.do(t, key, "GET",
		path+"/valuation?as_of=2026-01-01T23:59:59.999999999Z", "").Header.Get("Basis"))
	keep(strings.Replace(computed.Body, "T12:59:59.999999999Z", "T23:59:59.999999999Z", 1))
	moved := c.do(t, key, "GET", path+query, "")
	assert.Equal(t, "recomputed", moved.Header.Get("Basis"))
	assert.Equal(t, computed.Body, moved.Body)
}

// Holdings and history are derived from the entries as they are now, and say so.
func TestDerivedAnswersAreMarked(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	path := c.portfolio(t, key)
	for _, query := range []string{"/holdings", "/holdings?as_of=2026-01-01",
		"/history?from=2025-12-30&to=2026-01-02"} {
		assert.Equal(t, true, c.do(t, key, "GET", path+query, "").JSON["recomputed"], query)
	}
}
