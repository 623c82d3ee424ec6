package http_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"portfolio/backend"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// client calls the API and checks every answer against the OpenAPI document.
type client struct {
	server *httptest.Server
	router routers.Router
	store  *memory
	fakes  *fakes
}

func newClient(t testing.TB) *client { return newClientOf(t, func(*fakes) {}) }

// newClientOf returns a client of a service whose fakes prepare has changed.
func newClientOf(t testing.TB, prepare func(*fakes)) *client {
	t.Helper()
	text, err := os.ReadFile("openapi.json")
	require.NoError(t, err)
	document, err := openapi3.NewLoader().LoadFromData(text)
	require.NoError(t, err)
	require.NoError(t, document.Validate(t.Context()))
	router, err := gorillamux.NewRouter(document)
	require.NoError(t, err)
	f := newFakes()
	prepare(f)
	return &client{server: f.serve(t), router: router, store: f.memory, fakes: f}
}

// key creates a key of an owner.
func (c *client) key(t testing.TB, owner string, scopes ...backend.Scope) string {
	t.Helper()
	secret := backend.NewSecret()
	_, err := c.store.CreateKey(t.Context(), backend.Principal{},
		backend.APIKey{Owner: owner, Label: "test", Scopes: scopes, CreatedAt: now}, backend.HashSecret(secret))
	require.NoError(t, err)
	return secret
}

// all creates a key with every scope.
func (c *client) all(t testing.TB, owner string) string {
	return c.key(t, owner, backend.Scopes...)
}

// answered is an answer of the API.
type answered struct {
	Status int
	Header http.Header
	Body   string
	JSON   map[string]any
}

func (a answered) id() string { id, _ := a.JSON["id"].(string); return id }

// code is the stable code of a problem document.
func (a answered) code() string { code, _ := a.JSON["code"].(string); return code }

// do makes a call; more are pairs of header names and values.
func (c *client) do(t *testing.T, key, method, path, body string, more ...string) answered {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, c.server.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(more); i += 2 {
		if more[i] == "Host" {
			r.Host = more[i+1]
			continue
		}
		r.Header.Set(more[i], more[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(r) // does not follow redirects
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	out := answered{Status: response.StatusCode, Header: response.Header, Body: string(text)}
	_ = json.Unmarshal(text, &out.JSON) // fails for CSV and for an empty body
	assert.NoError(t, c.documented(t.Context(), r, response, text), "%s %s\n%s", method, path, text)
	return out
}

// documented returns how an answer differs from the OpenAPI document.
func (c *client) documented(ctx context.Context, r *http.Request, response *http.Response, body []byte) error {
	route, params, err := c.router.FindRoute(r)
	if err != nil {
		if response.StatusCode == http.StatusNotFound || response.StatusCode == http.StatusMethodNotAllowed {
			return nil
		}
		return fmt.Errorf("not in the document: %w", err)
	}
	return openapi3filter.ValidateResponse(ctx, &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route},
		Status:                 response.StatusCode, Header: response.Header,
		Body:    io.NopCloser(bytes.NewReader(body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	})
}

const trade = `{"kind":"BUY","date":"2026-01-01","symbol":"ACME","quantity":"10","price":"12.5","currency":"EUR","fee":"1"}`

// portfolio creates a portfolio and returns its path.
func (c *client) portfolio(t *testing.T, key string) string {
	t.Helper()
	made := c.do(t, key, "POST", "/v1/portfolios", `{"name":"Pension","base_currency":"EUR"}`)
	require.Equal(t, 201, made.Status, made.Body)
	return "/v1/portfolios/" + made.id()
}

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

	quotes := c.do(t, key, "GET", "/v1/quotes?symbols=ACME,NONE", "")
	assert.Len(t, quotes.JSON["quotes"], 1)
	assert.Equal(t, []any{"NONE"}, quotes.JSON["missing"])
}

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

func TestBadInput(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	path := c.portfolio(t, key)
	for name, test := range map[string]struct {
		method, path, body string
		status             int
		detail             string
	}{
		"not JSON":            {"POST", "/v1/portfolios", `{`, 400, "body: got incomplete JSON"},
		"two values":          {"POST", "/v1/portfolios", `{"name":"A","base_currency":"EUR"} {}`, 400, "body: got invalid JSON at byte 35"},
		"unknown member":      {"POST", "/v1/portfolios", `{"nam":"A"}`, 400, `"nam"`},
		"wrong type":          {"POST", "/v1/portfolios", `{"name":1}`, 400, "name: got 1, want a string"},
		"no name":             {"POST", "/v1/portfolios", `{"name":" ","base_currency":"EUR"}`, 400, "name: got 1 characters"},
		"no currency":         {"POST", "/v1/portfolios", `{"name":"A","base_currency":"eur"}`, 400, "base_currency"},
		"decimal as a number": {"POST", path + "/transactions", strings.Replace(trade, `"12.5"`, `12.5`, 1), 400, "want a decimal as a string"},
		"exponent":            {"POST", path + "/transactions", strings.Replace(trade, `"12.5"`, `"1e999999"`, 1), 400, "want a decimal as a string"},
		"too many digits":     {"POST", path + "/transactions", strings.Replace(trade, `"12.5"`, `"1234567890123456789"`, 1), 400, "price: got too many digits"},
		"negative":            {"POST", path + "/transactions", strings.Replace(trade, `"10"`, `"-10"`, 1), 400, "quantity: got -10"},
		"bad date":            {"POST", path + "/transactions", strings.Replace(trade, `2026-01-01`, `2026-02-30`, 1), 400, "date"},
		"injection":           {"POST", path + "/transactions", strings.Replace(trade, `ACME`, `A'; drop table transactions; --`, 1), 400, "symbol"},
		"unknown query":       {"GET", path + "/valuation?asof=2026-01-01", "", 400, "as_of"},
		"twice":               {"GET", path + "/valuation?as_of=2026-01-01&as_of=2026-01-02", "", 400, "one value"},
		"in the future":       {"GET", path + "/valuation?as_of=2027-01-01", "", 400, "and now"},
		"incomplete period":   {"GET", path + "/performance?from=2026-01-01", "", 400, "to: got"},
		"backwards":           {"GET", path + "/history?from=2026-01-02&to=2026-01-01", "", 400, "between from and today"},
		"same day":            {"GET", path + "/performance?from=2026-01-01&to=2026-01-01", "", 400, "from"},
		"recomputed":          {"GET", path + "/valuation?as_of=2026-01-01&recomputed=yes", "", 400, "want true or false"},
		"interval":            {"GET", path + "/history?from=2025-01-02&to=2026-01-01&interval=1h", "", 400, "want 1d"},
		"method":              {"GET", path + "/performance?from=2025-01-02&to=2026-01-01&method=xirr", "", 400, "method"},
		"limit":               {"GET", "/v1/portfolios?limit=1000", "", 400, "limit"},
		"symbol with NUL":     {"GET", "/v1/quotes?symbols=%00", "", 400, "symbols"},
		"symbol not UTF-8":    {"GET", "/v1/quotes?symbols=A,%ff", "", 400, "symbols"},
		"before 1900":         {"GET", path + "/performance?from=0001-01-01&to=2026-01-01", "", 400, "from"},
		"no symbols":          {"GET", "/v1/quotes?symbols=", "", 400, "symbols"},
		"no quotes":           {"POST", "/v1/quotes", `{}`, 400, "1–500"},
		"quote without price": {"POST", "/v1/quotes", `{"quotes":[{"symbol":"A","currency":"EUR","source":"s","time":"2026-01-01T00:00:00Z"}]}`, 400, "price"},
		"future quote":        {"POST", "/v1/quotes", `{"quotes":[{"symbol":"A","price":"1","currency":"EUR","source":"s","time":"2026-01-03T00:00:00Z"}]}`, 400, "time"},
		"no such scope":       {"POST", "/v1/keys", `{"label":"k","scopes":["root"]}`, 400, "scopes[0]"},
		"expired already":     {"POST", "/v1/keys", `{"label":"k","scopes":["read"],"expires_at":"2020-01-01T00:00:00Z"}`, 400, "expires_at"},
		"too large":           {"POST", "/v1/quotes", `{"quotes":[` + strings.Repeat(" ", 300<<10) + `]}`, 413, "256 KiB"},
		"no such path":        {"GET", "/v1/nothing", "", 404, "nothing is at this path"},
		"no such id":          {"GET", "/v1/portfolios/00000000-0000-4000-8000-999999999999", "", 404, "nothing has this ID"},
		"no id":               {"GET", "/v1/portfolios/1%20or%201=1", "", 404, "nothing has this ID"},
		"method not allowed":  {"POST", path, "", 405, "GET"},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.do(t, key, test.method, test.path, test.body)
			assert.Equal(t, test.status, got.Status, got.Body)
			assert.Equal(t, "application/problem+json", got.Header.Get("Content-Type"))
			assert.Contains(t, got.JSON["detail"], test.detail)
			assert.NotContains(t, got.JSON["detail"], "\n")
		})
	}
}

func TestProblemsNameFields(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	got := c.do(t, key, "POST", c.portfolio(t, key)+"/transactions",
		`{"kind":"BUY","date":"2026-01-01","symbol":"acme","quantity":"-1","price":"1","currency":"EU"}`)
	var paths []any
	for _, field := range got.JSON["fields"].([]any) {
		paths = append(paths, field.(map[string]any)["path"])
	}
	assert.Equal(t, []any{"symbol", "quantity", "currency"}, paths)
}

func TestHeadersAreChecked(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	path := c.portfolio(t, key)
	for _, idempotency := range []string{"a b", strings.Repeat("x", 129), "ü"} {
		assert.Equal(t, 400, c.do(t, key, "POST", path+"/transactions", trade, "Idempotency-Key", idempotency).Status)
	}
}

// Only what RFC 9110 allows is accepted in If-Match.
func TestIfMatch(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	for match, status := range map[string]int{
		`"1"`: 204, `*`: 204, ` * `: 204, `"7", "1"`: 204, `"7","1"`: 204, `, "1" ,`: 204, `"x,y", "1"`: 204, `W/"1", "1"`: 204,
		`"2"`: 412, `W/"1"`: 412, `"x"`: 412, `"0"`: 412, `"01"`: 412, `"+1"`: 412, `""`: 412, "\"`1`\"": 412,
		"1": 400, "`1`": 400, `'1'`: 400, `"1`: 400, `1"`: 400, `w/"1"`: 400, `W/ "1"`: 400, `*, "1"`: 400, `"1", *`: 400,
		`"1" "1"`: 400, `"a b"`: 400, `"\"1"`: 400, ``: 428, `,`: 428,
	} {
		path := c.portfolio(t, key)
		assert.Equal(t, status, c.do(t, key, "DELETE", path, "", "If-Match", match).Status, "If-Match: %s", match)
	}
	path := c.portfolio(t, key)
	entry := c.do(t, key, "POST", path+"/transactions", trade).Header.Get("Location")
	for _, method := range []string{"PUT", "DELETE"} {
		assert.Equal(t, 412, c.do(t, key, method, entry, trade, "If-Match", `W/"1"`).Status, method)
		assert.Less(t, c.do(t, key, method, entry, trade, "If-Match", "*").Status, 300, method)
	}
	assert.Equal(t, 404, c.do(t, key, "DELETE", entry, "", "If-Match", "*").Status)
}

// Several problems of one body are reported at once, each with the path of its member.
func TestAllProblemsAreReported(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	path := c.portfolio(t, key)
	const at = `"currency":"EUR","source":"s","time":"2026-01-01T00:00:00Z"`
	for name, test := range map[string]struct {
		path, body string
		want       []string
	}{
		"transaction": {path + "/transactions", `{"kind":"BUY","date":"2026-02-30","symbol":"acme","quantity":10,"price":"x","currency":"EU","colour":1}`,
			[]string{"date", "quantity", "price", `"colour"`, "symbol", "currency"}},
		"ratio":   {path + "/transactions", `{"kind":"SPLIT","date":"2026-01-01","symbol":"A","ratio":{"new":1.5,"odd":1}}`, []string{"ratio.new", "ratio.old", `ratio."odd"`, "ratio"}},
		"null":    {path + "/transactions", `{"kind":null,"date":"2026-01-01","fee":null}`, []string{"kind", "fee", "currency"}},
		"too old": {path + "/transactions", strings.Replace(trade, "2026-01-01", "1899-12-31", 1), []string{"date"}},
		"too far": {path + "/transactions", strings.Replace(trade, "2026-01-01", "2027-01-03", 1), []string{"date"}},
		"quotes": {"/v1/quotes", `{"quotes":[{"symbol":"A","price":"1",` + at + `},{"symbol":"B","price":1,` + at + `},{"symbol":"c","price":"-1",` + at + `}],"rates":[{"from":"USD","to":"EUR","rate":"1e9","source":"s","time":"soon"}]}`,
			[]string{"quotes[1].price", "rates[0].rate", "rates[0].time", "quotes[2].symbol", "quotes[2].price"}},
		"year 0":        {"/v1/quotes", `{"quotes":[{"symbol":"A","price":"1","currency":"EUR","source":"s","time":"0000-01-01T00:00:00Z"}]}`, []string{"quotes[0].time"}},
		"no price":      {"/v1/quotes", `{"quotes":[{"symbol":"A",` + at + `},7]}`, []string{"quotes[0].price", "quotes[1]"}},
		"array":         {"/v1/quotes", `{"quotes":{}}`, []string{"quotes", "body"}},
		"key":           {"/v1/keys", `{"scopes":["root",1],"expires_at":"2020-01-01T00:00:00Z"}`, []string{"label", "scopes[1]", "scopes[0]", "expires_at"}},
		"not an object": {"/v1/keys", `[]`, []string{"body"}},
	} {
		got := c.do(t, key, "POST", test.path, test.body)
		assert.Equal(t, 400, got.Status, name)
		assert.Equal(t, "invalid_request", got.code(), name)
		fields, _ := got.JSON["fields"].([]any)
		var paths []string
		for _, field := range fields {
			paths = append(paths, field.(map[string]any)["path"].(string))
		}
		for _, want := range test.want {
			assert.Contains(t, paths, want, "%s: %s", name, got.Body)
		}
	}
	many := c.do(t, key, "POST", "/v1/quotes", `{"quotes":[`+strings.Repeat("1,", 499)+`1]}`)
	assert.Len(t, many.JSON["fields"], 100)
}

// What RFC 8259 leaves open is refused, although encoding/json accepts it.
func TestStrictJSON(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	for name, test := range map[string]struct{ body, detail string }{
		"member twice":      {`{"name":"A","name":"B","base_currency":"EUR"}`, `the member "name" twice`},
		"escaped twice":     {`{"name":"A","n\u0061me":"B","base_currency":"EUR"}`, `the member "name" twice`},
		"other case":        {`{"Name":"A","base_currency":"EUR"}`, `"Name": got an unknown member`},
		"invalid UTF-8":     {"{\"name\":\"A\xff\",\"base_currency\":\"EUR\"}", "invalid JSON at byte"},
		"lone surrogate":    {`{"name":"A\ud800","base_currency":"EUR"}`, "invalid JSON at byte"},
		"byte-order mark":   {"\ufeff{}", "invalid JSON at byte"},
		"nested twice":      {`{"name":{"a":1,"a":2},"base_currency":"EUR"}`, `the member "a" twice`},
		"null for a member": {`{"name":"A","base_currency":"EUR","allow_shorts":null}`, "allow_shorts: got null"},
		"empty":             {``, "incomplete JSON"},
	} {
		got := c.do(t, key, "POST", "/v1/portfolios", test.body)
		assert.Equal(t, 400, got.Status, name)
		assert.Contains(t, got.JSON["detail"], test.detail, name)
	}
	assert.Empty(t, c.do(t, key, "GET", "/v1/portfolios", "").JSON["items"])
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
