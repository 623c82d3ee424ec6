package http_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPortfolioLifecycle(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	made := c.do(t, key, "POST", "/v1/portfolios", `{"name":"Pension","base_currency":"EUR","cost_method":"AVERAGE"}`)
	require.Equal(t, 201, made.Status, made.Body)
	path := made.Header.Get("Location")
	assert.Equal(t, "/v1/portfolios/"+made.id(), path)
	assert.Equal(t, `"1"`, made.Header.Get("ETag"))
	assert.Equal(t, "AVERAGE", c.do(t, key, "GET", path, "").JSON["cost_method"])

	changed := `{"name":"Old age","base_currency":"USD","cost_method":"FIFO","allow_shorts":true,"track_cash":true,"time_zone":"Europe/Berlin"}`
	assert.Equal(t, "precondition_required", c.do(t, key, "PUT", path, changed).code())
	assert.Equal(t, 412, c.do(t, key, "PUT", path, changed, "If-Match", `"7"`).Status)
	put := c.do(t, key, "PUT", path, changed, "If-Match", `"1"`)
	assert.Equal(t, 200, put.Status, put.Body)
	assert.Equal(t, `"2"`, put.Header.Get("ETag"))
	assert.Equal(t, "version_conflict", c.do(t, key, "DELETE", path, "", "If-Match", `"1"`).code())
	assert.Equal(t, 204, c.do(t, key, "DELETE", path, "", "If-Match", `"2"`).Status)
	assert.Equal(t, 404, c.do(t, key, "GET", path, "").Status)
}

func TestListsArePaged(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	var want, got []string
	for i := range 5 {
		want = append(want, c.do(t, key, "POST", "/v1/portfolios",
			fmt.Sprintf(`{"name":"%d","base_currency":"EUR"}`, i)).id())
	}
	for after := ""; ; {
		list := c.do(t, key, "GET", "/v1/portfolios?limit=2&after="+after, "")
		for _, item := range list.JSON["items"].([]any) {
			got = append(got, item.(map[string]any)["id"].(string))
		}
		next, more := list.JSON["next"].(string)
		if !more {
			break
		}
		after = next
	}
	assert.Equal(t, want, got)
}

func TestTransactionLifecycle(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	path := c.portfolio(t, key)
	made := c.do(t, key, "POST", path+"/transactions", trade, "Idempotency-Key", "once")
	require.Equal(t, 201, made.Status, made.Body)
	again := c.do(t, key, "POST", path+"/transactions", trade, "Idempotency-Key", "once")
	assert.Equal(t, made.Body, again.Body)
	assert.Equal(t, "true", again.Header.Get("Idempotency-Replayed"))

	entry := made.Header.Get("Location")
	assert.Equal(t, "10", c.do(t, key, "GET", entry, "").JSON["quantity"])
	put := c.do(t, key, "PUT", entry, strings.Replace(trade, `"10"`, `"11.5"`, 1), "If-Match", `"1"`)
	assert.Equal(t, 200, put.Status, put.Body)
	assert.Equal(t, 412, c.do(t, key, "PUT", entry, trade, "If-Match", `"1"`).Status)
	list := c.do(t, key, "GET", path+"/transactions", "")
	assert.Len(t, list.JSON["items"], 1)

	oversold := c.do(t, key, "POST", path+"/transactions",
		`{"kind":"SELL","date":"2026-01-02","symbol":"ACME","quantity":"100","price":"1","currency":"EUR"}`)
	assert.Equal(t, 422, oversold.Status)
	assert.Equal(t, "oversold", oversold.code())
	assert.Equal(t, 204, c.do(t, key, "DELETE", entry, "", "If-Match", `"2"`).Status)
	assert.Equal(t, 404, c.do(t, key, "GET", entry, "").Status)
}

func TestAnalysis(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	path := c.portfolio(t, key)
	require.Equal(t, 201, c.do(t, key, "POST", path+"/transactions", trade).Status)
	before := c.do(t, key, "GET", path+"/valuation", "")
	assert.Equal(t, "estimated", before.JSON["state"], "without a quote, the last trade's price is used")
	assert.Equal(t, "-1", before.JSON["total"])

	feed := `{"quotes":[{"symbol":"ACME","price":"20","currency":"EUR","source":"test","time":"2026-01-02T03:04:00Z"}],"rates":[{"from":"USD","to":"EUR","rate":"0.9","source":"test","time":"2026-01-02T03:04:00Z"}]}`
	wrote := c.do(t, key, "POST", "/v1/quotes", feed)
	assert.Equal(t, map[string]any{"received": 2.0, "newer": 2.0}, wrote.JSON, wrote.Body)
	assert.Equal(t, 0.0, c.do(t, key, "POST", "/v1/quotes", feed).JSON["newer"])
	at := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	assert.Equal(t, []time.Time{at, at}, c.fakes.quoted, "times reported to metrics")

	value := c.do(t, key, "GET", path+"/valuation", "")
	assert.Equal(t, "74", value.JSON["total"], "10 at 20, less what was paid")
	assert.Equal(t, "priced", value.JSON["state"])
	assert.Len(t, value.JSON["quotes"], 1, "basis of the numbers")
	assert.Equal(t, "10", c.do(t, key, "GET", path+"/holdings?as_of=2026-01-01",
		"").JSON["holdings"].([]any)[0].(map[string]any)["quantity"])
	assert.Empty(t, c.do(t, key, "GET", path+"/holdings?as_of=2025-12-31", "").JSON["holdings"])

	both := c.do(t, key, "GET", path+"/performance?from=2025-12-31&to=2026-01-02", "")
	assert.Contains(t, both.JSON, "time_weighted")
	assert.Contains(t, both.JSON, "money_weighted")
	one := c.do(t, key, "GET", path+"/performance?from=2025-12-31&to=2026-01-02&method=time_weighted", "")
	assert.NotContains(t, one.JSON, "money_weighted")
	assert.Len(t, c.do(t, key, "GET", path+"/history?from=2025-12-30&to=2026-01-02&interval=1d", "").JSON["items"], 4)

	moments := c.do(t, key, "GET", path+"/history?from=2026-01-02&to=2026-01-02&interval=5m", "").JSON["items"].([]any)
	require.Len(t, moments, 3*12, "it is 03:04:05")
	assert.Equal(t, map[string]any{"time": "2026-01-02T00:05:00Z", "state": "estimated", "total": "-1", "invested": "125",
		"cash": "-126"}, moments[0], "before the quote")
	assert.Equal(t, "-1", moments[35].(map[string]any)["total"])
	yesterday := c.do(t, key, "GET", path+"/history?from=2026-01-01&to=2026-01-01&interval=5m", "").JSON["items"].([]any)
	require.Len(t, yesterday, 288)
	assert.Equal(t, "2026-01-02T00:00:00Z", yesterday[287].(map[string]any)["time"])

	quotes := c.do(t, key, "GET", "/v1/quotes?symbols=ACME,NONE", "")
	assert.Len(t, quotes.JSON["quotes"], 1)
	assert.Equal(t, []any{"NONE"}, quotes.JSON["missing"])

	past := c.do(t, key, "GET", "/v1/quotes/ACME/history?from=2026-01-01&to=2026-01-02", "")
	assert.JSONEq(t, `{"symbol":"ACME","items":[{"date":"2026-01-02","price":"20","currency":"EUR","time":"2026-01-02T03:04:00Z"}],"next":null}`,
		past.Body)
	assert.Empty(t, c.do(t, key, "GET", "/v1/quotes/ACME/history?from=2025-01-01&to=2026-01-01", "").JSON["items"])
	assert.Equal(t, "A/B C", c.do(t, key, "GET", "/v1/quotes/A%2FB%20C/history?from=2026-01-01&to=2026-01-03",
		"").JSON["symbol"], "tomorrow, where it may be already")
}

func TestReplaceAndPatchPortfolio(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	made := c.do(t, key, "POST", "/v1/portfolios", `{"name":"Pension","base_currency":"EUR","cost_method":"AVERAGE"}`)
	path := made.Header.Get("Location")

	rename := c.do(t, key, "PUT", path, `{"name":"Old age","base_currency":"EUR"}`, "If-Match", `"1"`)
	assert.Equal(t, 400, rename.Status, "PUT needs every member")
	assert.Contains(t, rename.JSON["detail"], "cost_method: got nothing")
	assert.Contains(t, rename.JSON["detail"], "allow_shorts: got nothing")

	patched := c.do(t, key, "PATCH", path, `{"name":"Old age"}`, "If-Match", `"1"`)
	assert.Equal(t, 200, patched.Status, patched.Body)
	assert.Equal(t, []any{"Old age", "AVERAGE", "EUR", 2.0},
		[]any{patched.JSON["name"], patched.JSON["cost_method"], patched.JSON["base_currency"],
			patched.JSON["version"]})
	assert.Equal(t, `"2"`, patched.Header.Get("ETag"))
	for body, status := range map[string]int{
		`{"name":null}`: 400, `{"cost_method":null}`: 400, `{"colour":"red"}`: 400, `{"name":""}`: 400, `[]`: 400,
	} {
		assert.Equal(t, status, c.do(t, key, "PATCH", path, body, "If-Match", "*").Status, body)
	}
	assert.Equal(t, 412, c.do(t, key, "PATCH", path, `{"name":"A"}`, "If-Match", `"1"`).Status)
	assert.Equal(t, 428, c.do(t, key, "PATCH", path, `{"name":"A"}`).Status)
	all := c.do(t, key, "PATCH", path, `{}`, "If-Match", "*")
	assert.Equal(t, []any{200, "Old age"}, []any{all.Status, all.JSON["name"]})
}

// A retried call returns the answer of the first, even if it would fail now.
func TestRetriedCallsReturnTheFirstAnswer(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	const body = `{"name":"Pension","base_currency":"EUR"}`
	first := c.do(t, key, "POST", "/v1/portfolios", body, "Idempotency-Key", "once")
	again := c.do(t, key, "POST", "/v1/portfolios", body, "Idempotency-Key", "once")
	assert.Equal(t, []any{201, first.Body, "true"},
		[]any{again.Status, again.Body, again.Header.Get("Idempotency-Replayed")})
	assert.Empty(t, first.Header.Get("Idempotency-Replayed"))
	assert.Len(t, c.do(t, key, "GET", "/v1/portfolios", "").JSON["items"], 1)

	// The second time, nothing is left to sell.
	path := first.Header.Get("Location")
	require.Equal(t, 201, c.do(t, key, "POST", path+"/transactions", trade).Status)
	const sale = "date,kind,symbol,quantity,price,currency\n2026-01-02,SELL,ACME,10,1,EUR\n"
	imported := c.do(t, key, "POST", path+"/transactions.csv", sale, "Idempotency-Key", "file")
	require.Equal(t, 201, imported.Status, imported.Body)
	retried := c.do(t, key, "POST", path+"/transactions.csv", sale, "Idempotency-Key", "file")
	assert.Equal(t, []any{201, imported.Body, "true"},
		[]any{retried.Status, retried.Body, retried.Header.Get("Idempotency-Replayed")})
	assert.Equal(t, 422, c.do(t, key, "POST", path+"/transactions.csv", sale, "Idempotency-Key", "other").Status)
}
