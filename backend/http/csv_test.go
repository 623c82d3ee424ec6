package http_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const file = "\ufeffdate,kind,symbol,quantity,price,amount,currency,fee,ratio_new,ratio_old,note\r\n" +
	"2026-01-01,DEPOSIT,,,,1000.50,EUR,,,,\r\n" +
	"2026-01-01,buy,ACME,10,12.5,,EUR,1,,,\"first, of \"\"many\"\"\"\r\n" +
	"2026-01-02,SPLIT,ACME,,,,,,2,1,\r\n" +
	"2026-01-02,SELL,ACME,20,7,,EUR,,,,'=1+1\r\n"

func TestImportAndExport(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	path := c.portfolio(t, key)
	dry := c.do(t, key, "POST", path+"/transactions.csv?dry_run=true", file)
	assert.Equal(t, map[string]any{"dry_run": true, "rows": 4.0, "recorded": 0.0, "problems": []any{}}, dry.JSON,
		dry.Body)
	assert.Empty(t, c.do(t, key, "GET", path+"/transactions", "").JSON["items"], "a dry run records nothing")
	wet := c.do(t, key, "POST", path+"/transactions.csv", file, "Idempotency-Key", "file")
	require.Equal(t, 201, wet.Status, wet.Body)
	assert.Equal(t, 4.0, wet.JSON["recorded"])

	exported := c.do(t, key, "GET", path+"/transactions.csv", "")
	assert.Contains(t, exported.Body, `"first, of ""many"""`)
	assert.Contains(t, exported.Body, ",'=1+1,", "spreadsheets do not read it as a formula")
	other := c.portfolio(t, key)
	require.Equal(t, 201, c.do(t, key, "POST", other+"/transactions.csv", exported.Body).Status)
	assert.Equal(t, exported.Body, c.do(t, key, "GET", other+"/transactions.csv", "").Body, "an export can be imported")
	assert.Contains(t, c.do(t, key, "GET", other+"/transactions", "").Body, `"note":"=1+1"`)
}

func TestImportReportsRows(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	path := c.portfolio(t, key)
	for name, test := range map[string]struct {
		text string
		row  int
		want string
	}{
		"empty":           {"", 1, "no header"},
		"only a header":   {"date,kind\n", 1, "no rows"},
		"unknown column":  {"date,kind,colour\n", 1, "colour"},
		"column twice":    {"date,kind,date\n", 1, "once"},
		"no kind":         {"date\n2026-01-01\n", 1, "want date and kind"},
		"fields":          {"date,kind\n2026-01-01\n", 2, "got 1 fields, want 2"},
		"quotes":          {"date,kind\n2026-01-01,\"DEPOSIT\n", 2, "RFC 4180"},
		"number":          {"date,kind,amount,currency\n2026-01-01,DEPOSIT,1e9,EUR\n", 2, "amount"},
		"thousands":       {"date,kind,amount,currency\n2026-01-01,DEPOSIT,\"1,000\",EUR\n", 2, "amount"},
		"date":            {"date,kind,amount,currency\n01/02/2026,DEPOSIT,1,EUR\n", 2, "date"},
		"kind":            {"date,kind,amount,currency\n2026-01-01,GIFT,1,EUR\n", 2, "kind"},
		"ratio":           {"date,kind,symbol,ratio_new,ratio_old\n2026-01-01,SPLIT,ACME,x,1\n", 2, "ratio_new"},
		"second row":      {"date,kind,amount,currency\n2026-01-01,DEPOSIT,1,EUR\n2026-01-01,DEPOSIT,0,EUR\n", 3, "amount"},
		"oversold":        {"date,kind,symbol,quantity,price,currency\n2026-01-01,BUY,A,1,1,EUR\n2026-01-02,SELL,A,2,1,EUR\n", 3, "at most the 1 held"},
		"too many rows":   {"date,kind,amount,currency\n" + strings.Repeat("2026-01-01,DEPOSIT,1,EUR\n", 10_001), 10_002, "at most 10000"},
		"every row wrong": {"date,kind\n" + strings.Repeat("x,y\n", 500), 2, "date"},
	} {
		t.Run(name, func(t *testing.T) {
			refused := c.do(t, key, "POST", path+"/transactions.csv", test.text)
			assert.Equal(t, 422, refused.Status, refused.Body)
			assert.Equal(t, "invalid_rows", refused.code())
			rows := refused.JSON["rows"].([]any)
			first := rows[0].(map[string]any)
			assert.EqualValues(t, test.row, first["row"])
			assert.Contains(t, first["problem"], test.want)
			assert.LessOrEqual(t, len(rows), 100)
			dry := c.do(t, key, "POST", path+"/transactions.csv?dry_run=true", test.text)
			assert.Equal(t, 200, dry.Status)
			assert.Equal(t, rows, dry.JSON["problems"])
		})
	}
	assert.Empty(t, c.do(t, key, "GET", path+"/transactions", "").JSON["items"])
}

// Whatever is sent, the answer is a documented one and never a 5xx.
func FuzzBodies(f *testing.F) {
	for _, seed := range []string{trade, file, `{"name":"A","base_currency":"EUR"}`, `{"quotes":[{"price":"1"}]}`, "[",
		`{"label":null,"scopes":[""]}`, "date,kind\n\"", strings.Repeat("[", 10_000)} {
		f.Add(seed)
	}
	c := newClient(f)
	f.Fuzz(func(t *testing.T, body string) {
		key := c.all(t, "ada") // a new key has its whole rate
		path := c.portfolio(t, key)
		for _, url := range []string{"/v1/portfolios", path + "/transactions", path + "/transactions.csv",
			path + "/transactions.csv?dry_run=true", "/v1/quotes", "/v1/keys"} {
			if got := c.do(t, key, "POST", url, body); got.Status >= 500 {
				t.Errorf("POST %s = %d, %s", url, got.Status, got.Body)
			}
		}
		for _, query := range []string{"/valuation?as_of=", "/holdings?", "/performance?from=", "/history?to="} {
			url := path + query + fmt.Sprintf("%x", body)
			if got := c.do(t, key, "GET", url, ""); got.Status >= 500 {
				t.Errorf("GET %s = %d, %s", url, got.Status, got.Body)
			}
		}
	})
}

// White space of every kind in a note survives an export and an import.
func TestWhiteSpaceInNotes(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	for _, note := range []string{`"note":"one\r\ntwo\nthree \"four\"\r\n"`, `"note":"  "`, `"note":"\ta "`} {
		path, other := c.portfolio(t, key), c.portfolio(t, key)
		body := `{"kind":"DEPOSIT","date":"2026-01-01","amount":"1","currency":"EUR",` + note + `}`
		require.Equal(t, 201, c.do(t, key, "POST", path+"/transactions", body).Status)
		exported := c.do(t, key, "GET", path+"/transactions.csv", "").Body
		require.Equal(t, 201, c.do(t, key, "POST", other+"/transactions.csv", exported).Status)
		assert.Contains(t, c.do(t, key, "GET", other+"/transactions", "").Body, note)
	}
}

// Texts that a spreadsheet would read as formulas are not exported as such.
func TestFormulasInTexts(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	path, other := c.portfolio(t, key), c.portfolio(t, key)
	body := `{"kind":"TRANSFER_IN","date":"2026-01-01","symbol":"ACME","quantity":"1","currency":"EUR","note":"=1+1","transfer":"@x "}`
	require.Equal(t, 201, c.do(t, key, "POST", path+"/transactions", body).Status)
	exported := c.do(t, key, "GET", path+"/transactions.csv", "").Body
	assert.Contains(t, exported, ",'=1+1,")
	assert.Contains(t, exported, ",'@x \n")
	require.Equal(t, 201, c.do(t, key, "POST", other+"/transactions.csv", exported).Status)
	assert.Contains(t, c.do(t, key, "GET", other+"/transactions", "").Body, `"transfer":"@x "`)
}

// An export of entries of every kind, with all of their members, equals the file that
// was imported.
func TestEveryKindRoundTrips(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	path := c.portfolio(t, key)
	text := "date,kind,symbol,quantity,price,amount,currency,fee,ratio_new,ratio_old,note,time,tax,fee_currency,to_amount,to_currency,acquired,to_symbol,cost_fraction,lots,transfer\n" +
		"2025-01-01,DEPOSIT,,,,1000,EUR,1,,,,09:00,,USD,,,,,,,\n" +
		"2025-01-02,BUY,BRK B,10.123456789012345678,12.5,126.54,EUR,1,,,,09:30:15,0.5,USD,,,,,,,\n" +
		"2025-01-03,SELL,BRK B,1,13,13.01,EUR,1,,,,,0.1,,,,,,,2025-01-02 1,\n" +
		"2025-01-04,DIVIDEND,BRK B,,,5,EUR,0.1,,,,,0.75,,,,,,,,\n" +
		"2025-01-05,INTEREST,,,,-2.5,EUR,,,,paid,,,,,,,,,,\n" +
		"2025-01-06,FEE,,,,3,EUR,,,,,,,,,,,,,,\n" +
		"2025-01-07,CONVERSION,,,,100,EUR,1,,,,,,,108.5,USD,,,,,\n" +
		"2025-01-08,TRANSFER_IN,^GSPC,4,,80,EUR,,,,,,,,,,2020-02-29,,,,x\n" +
		"2025-01-09,TRANSFER_OUT,^GSPC,1,,,,,,,,,,,,,,,,2020-02-29 1,y\n" +
		"2025-01-10,RETURN_OF_CAPITAL,^GSPC,,,6,EUR,0.2,,,,,,,,,,,,,\n" +
		"2025-01-11,SPLIT,^GSPC,,,4,EUR,,1,2,,,,,,,,,,,\n" +
		"2025-01-12,SPIN_OFF,^GSPC,,,,,,1,4,,,,,,,,M&M.NS,0.2,,\n" +
		"2025-01-13,MERGER,^GSPC,,,2,EUR,,3,1,,,,,,,,005930.KS,,,\n" +
		"2025-01-14,WITHDRAWAL,,,,10,EUR,,,,,23:59,,,,,,,,,\n"
	imported := c.do(t, key, "POST", path+"/transactions.csv", text)
	require.Equal(t, 201, imported.Status, imported.Body)
	exported := c.do(t, key, "GET", path+"/transactions.csv", "")
	assert.Equal(t, text, exported.Body)

	// The same as JSON: what GET returns can be posted.
	other := c.portfolio(t, key)
	list := c.do(t, key, "GET", path+"/transactions?limit=200", "").JSON["items"].([]any)
	assert.Len(t, list, 14)
	date := func(item any) string { return item.(map[string]any)["date"].(string) }
	slices.SortFunc(list, func(a, b any) int { return strings.Compare(date(a), date(b)) })
	for i := range list {
		item := list[i].(map[string]any)
		for _, name := range []string{"id", "sequence", "version", "recorded_at"} {
			delete(item, name)
		}
		body, err := json.Marshal(item)
		require.NoError(t, err)
		written := c.do(t, key, "POST", other+"/transactions", string(body))
		require.Equal(t, 201, written.Status, "%s: %s", body, written.Body)
	}
	assert.Equal(t, text, c.do(t, key, "GET", other+"/transactions.csv", "").Body)
}
