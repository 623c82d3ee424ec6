package http_test

import (
	"strings"
	"testing"

	"portfolio/backend"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
		"empty time":          {"POST", path + "/transactions", strings.Replace(trade, `"kind"`, `"time":"","kind"`, 1), 400, "time: got"},
		"empty time zone":     {"POST", "/v1/portfolios", `{"name":"A","base_currency":"EUR","time_zone":""}`, 400, `time_zone: got ""`},
		"bad date":            {"POST", path + "/transactions", strings.Replace(trade, `2026-01-01`, `2026-02-30`, 1), 400, "date"},
		"injection":           {"POST", path + "/transactions", strings.Replace(trade, `ACME`, `A'; drop table transactions; --`, 1), 400, "symbol"},
		"unknown query":       {"GET", path + "/valuation?asof=2026-01-01", "", 400, "as_of"},
		"twice":               {"GET", path + "/valuation?as_of=2026-01-01&as_of=2026-01-02", "", 400, "one value"},
		"in the future":       {"GET", path + "/valuation?as_of=2027-01-01", "", 400, "and now"},
		"incomplete period":   {"GET", path + "/performance?from=2026-01-01", "", 400, "to: got"},
		"backwards":           {"GET", path + "/history?from=2026-01-02&to=2026-01-01", "", 400, "between from and today"},
		"same day":            {"GET", path + "/performance?from=2026-01-01&to=2026-01-01", "", 400, "from"},
		"recomputed":          {"GET", path + "/valuation?as_of=2026-01-01&recomputed=yes", "", 400, "want true or false"},
		"interval":            {"GET", path + "/history?from=2025-01-02&to=2026-01-01&interval=1h", "", 400, "want 1d or 5m"},
		"moments of two days": {"GET", path + "/history?from=2026-01-01&to=2026-01-02&interval=5m", "", 400, "to: got"},
		"moments not kept":    {"GET", path + "/history?from=2025-12-31&to=2025-12-31&interval=5m", "", 400, `want "2026-01-01" or "2026-01-02"`},
		"moments to come":     {"GET", path + "/history?from=2026-01-03&to=2026-01-03&interval=5m", "", 400, "between from and today"},
		"method":              {"GET", path + "/performance?from=2025-01-02&to=2026-01-01&method=xirr", "", 400, "method"},
		"limit":               {"GET", "/v1/portfolios?limit=1000", "", 400, "limit"},
		"symbol with NUL":     {"GET", "/v1/quotes?symbols=%00", "", 400, "symbols"},
		"symbol not UTF-8":    {"GET", "/v1/quotes?symbols=A,%ff", "", 400, "symbols"},
		"before 1900":         {"GET", path + "/performance?from=0001-01-01&to=2026-01-01", "", 400, "from"},
		"not a symbol":        {"GET", "/v1/quotes/acme/history?from=2026-01-01&to=2026-01-02", "", 400, "symbol: got"},
		"prices to come":      {"GET", "/v1/quotes/A/history?from=2026-01-01&to=2026-01-04", "", 400, "to: got"},
		"prices backwards":    {"GET", "/v1/quotes/A/history?from=2026-01-02&to=2026-01-01", "", 400, "between from and today"},
		"prices of no period": {"GET", "/v1/quotes/A/history?to=2026-01-01", "", 400, "from: got"},
		"too many prices":     {"GET", "/v1/quotes/A/history?from=2010-01-01&to=2026-01-01", "", 400, "less than 3660 days"},
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
		"ratio": {path + "/transactions", `{"kind":"SPLIT","date":"2026-01-01","symbol":"A","ratio":{"new":1.5,"odd":1}}`, []string{"ratio.new", "ratio.old", `ratio."odd"`}},
		"lots": {path + "/transactions", `{"kind":"SELL","date":"2026-01-01","symbol":"A","quantity":"1","price":"1","currency":"EUR","lots":[{"date":"1899-12-31","quantity":"0"}]}`,
			[]string{"lots[0].date", "lots[0].quantity"}},
		"acquired": {path + "/transactions", `{"kind":"TRANSFER_IN","date":"2026-01-01","symbol":"A","quantity":"1","currency":"EUR","acquired":"1899-12-31"}`,
			[]string{"acquired"}},
		"null":    {path + "/transactions", `{"kind":null,"date":"2026-01-01","fee":null}`, []string{"kind", "fee", "currency"}},
		"too old": {path + "/transactions", strings.Replace(trade, "2026-01-01", "1899-12-31", 1), []string{"date"}},
		"too far": {path + "/transactions", strings.Replace(trade, "2026-01-01", "2027-01-03", 1), []string{"date"}},
		"quotes": {"/v1/quotes", `{"quotes":[{"symbol":"A","price":"1",` + at + `},{"symbol":"B","price":1,` + at + `},{"symbol":"c","price":"-1",` + at + `}],"rates":[{"from":"USD","to":"EUR","rate":"1e9","source":"s","time":"soon"}]}`,
			[]string{"quotes[1].price", "rates[0].rate", "rates[0].time", "quotes[2].symbol", "quotes[2].price"}},
		"year 0":        {"/v1/quotes", `{"quotes":[{"symbol":"A","price":"1","currency":"EUR","source":"s","time":"0000-01-01T00:00:00Z"}]}`, []string{"quotes[0].time"}},
		"no price":      {"/v1/quotes", `{"quotes":[{"symbol":"A",` + at + `},7]}`, []string{"quotes[0].price", "quotes[1]"}},
		"array":         {"/v1/quotes", `{"quotes":{}}`, []string{"quotes"}},
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
		assert.ElementsMatch(t, test.want, paths, "%s: %s", name, got.Body)
	}
	many := c.do(t, key, "POST", "/v1/quotes", `{"quotes":[`+strings.Repeat("1,", 499)+`1]}`)
	assert.Len(t, many.JSON["fields"], 100)
}

// An entry can be a year ahead in the time zone of its portfolio.
func TestDatesAreThoseOfTheTimeZone(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	for zone, last := range map[string]string{"UTC": "2027-01-02", "Pacific/Kiritimati": "2027-01-02", "Pacific/Pago_Pago": "2027-01-01"} {
		path := c.do(t, key, "POST", "/v1/portfolios",
			`{"name":"p","base_currency":"EUR","time_zone":"`+zone+`"}`).Header.Get("Location")
		for date, accepted := range map[string]bool{last: true, next(t, last): false} {
			body := `{"kind":"FEE","date":"` + date + `","amount":"1","currency":"EUR"}`
			assert.Equal(t, accepted, c.do(t, key, "POST", path+"/transactions", body).Status == 201, "%s %s", zone, date)
			preview := c.do(t, key, "POST", path+"/preview", `{"transaction":`+body+`}`)
			assert.Equal(t, accepted, preview.Status == 200, "%s %s", zone, date)
			file := "date,kind,amount,currency\n" + date + ",FEE,1,EUR\n"
			assert.Equal(t, accepted, c.do(t, key, "POST", path+"/transactions.csv", file).Status == 201, "%s %s", zone, date)
		}
	}
}

// next returns the day after a date.
func next(t *testing.T, date string) string {
	t.Helper()
	d, err := backend.ParseDate(date)
	require.NoError(t, err)
	return (d + 1).String()
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
