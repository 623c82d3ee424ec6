package http_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portfolio/backend"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const twoAlike = "date,kind,symbol,quantity,price,currency\n2026-01-01,BUY,ACME,1,40.2,USD\n2026-01-01,BUY,ACME,1,40.2,USD\n"

// preview posts a file and returns the answer with the path of the import.
func (c *client) preview(t *testing.T, key, portfolio, query, file string) (answered, string) {
	t.Helper()
	a := c.do(t, key, "POST", portfolio+"/imports"+query, file, "Content-Type", "text/csv")
	require.Equal(t, 201, a.Status, a.Body)
	return a, portfolio + "/imports/" + a.id()
}

func TestImportLifecycle(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	path := c.portfolio(t, key)
	preview, imported := c.preview(t, key, path, "", twoAlike)
	assert.Equal(t, []any{"portfolio", 2.0, 0.0},
		[]any{preview.JSON["layout"], preview.JSON["new"], preview.JSON["duplicates"]})
	assert.Contains(t, preview.Body,
		`"after":{"holdings":[{"symbol":"ACME","quantity":"2","cost":"80.4","currency":"USD"}],"cash":{"USD":"-80.4"}}`)
	assert.Empty(t, c.do(t, key, "GET", path+"/transactions", "").JSON["items"], "a preview records nothing")

	for range 2 { // a retry records nothing more
		confirmed := c.do(t, key, "POST", imported+"/confirm", "")
		assert.Equal(t, map[string]any{"recorded": 2.0}, confirmed.JSON, confirmed.Body)
	}
	assert.Len(t, c.do(t, key, "GET", path+"/transactions", "").JSON["items"], 2)

	again, second := c.preview(t, key, path, "", twoAlike)
	assert.Equal(t, []any{0.0, 2.0}, []any{again.JSON["new"], again.JSON["duplicates"]}, "the same file")
	assert.Equal(t, 0.0, c.do(t, key, "POST", second+"/confirm", "").JSON["recorded"])

	more, third := c.preview(t, key, path, "", twoAlike+"2026-01-01,BUY,ACME,1,40.2,USD\n")
	assert.Equal(t, []any{1.0, 2.0}, []any{more.JSON["new"], more.JSON["duplicates"]}, "an overlapping file")
	_, fourth := c.preview(t, key, path, "", twoAlike+"2026-01-01,BUY,ACME,1,40.2,USD\n")
	assert.Equal(t, 1.0, c.do(t, key, "POST", third+"/confirm", "").JSON["recorded"])
	assert.Equal(t, 0.0, c.do(t, key, "POST", fourth+"/confirm", "").JSON["recorded"], "recorded since its preview")
	assert.Len(t, c.do(t, key, "GET", path+"/transactions", "").JSON["items"], 3)
	require.Equal(t, 204, c.do(t, key, "DELETE", third, "").Status)

	require.Equal(t, 204, c.do(t, key, "DELETE", imported, "").Status)
	assert.Empty(t, c.do(t, key, "GET", path+"/transactions", "").JSON["items"], "an import is undone as a whole")
	assert.Equal(t, 404, c.do(t, key, "DELETE", imported, "").Status)
	assert.Equal(t, 404, c.do(t, c.all(t, "eve"), "POST", second+"/confirm", "").Status, "another owner's")
}

// What two previews share is recorded once.
func TestImportsOfOneFileAtOnce(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	path := c.portfolio(t, key)
	_, one := c.preview(t, key, path, "", twoAlike)
	_, two := c.preview(t, key, path, "", twoAlike)
	assert.Equal(t, 2.0, c.do(t, key, "POST", one+"/confirm", "").JSON["recorded"])
	assert.Equal(t, 0.0, c.do(t, key, "POST", two+"/confirm", "").JSON["recorded"])
}

// Every file in the tests of the layouts can be previewed, and its rows without a
// problem are recorded once.
func TestImportOfEveryLayout(t *testing.T) {
	files, err := filepath.Glob("../layout/testdata/*/*.[cjx]*")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		if filepath.Ext(name) == ".golden" || strings.Contains(name, "/mapping/") {
			continue
		}
		t.Run(strings.TrimPrefix(name, "../layout/testdata/"), func(t *testing.T) {
			file, err := os.ReadFile(name)
			require.NoError(t, err)
			c := newClient(t)
			key := c.all(t, "ada")
			made := c.do(t, key, "POST", "/v1/portfolios", `{"name":"All","base_currency":"EUR","allow_shorts":true}`)
			require.Equal(t, 201, made.Status, made.Body)
			path := "/v1/portfolios/" + made.id()
			preview, imported := c.preview(t, key, path, "", string(file))
			assert.Equal(t, filepath.Base(filepath.Dir(name)), preview.JSON["layout"])
			confirmed := c.do(t, key, "POST", imported+"/confirm", "")
			require.Equal(t, 200, confirmed.Status, confirmed.Body)
			assert.Equal(t, preview.JSON["new"], confirmed.JSON["recorded"])
			again, _ := c.preview(t, key, path, "", string(file))
			assert.Equal(t, []any{0.0, confirmed.JSON["recorded"]}, []any{again.JSON["new"], again.JSON["duplicates"]})
			require.Equal(t, 204, c.do(t, key, "DELETE", imported, "").Status)
		})
	}
}

func TestImportQuestionsAndAnswers(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	path := c.portfolio(t, key)
	file := "Date;Type;Value;Transaction Currency;Fees;Taxes;Shares\n03/01/2026;Deposit;1,234;EUR;;;\n"
	asked, _ := c.preview(t, key, path, "", file)
	assert.Equal(t, 0.0, asked.JSON["new"])
	assert.Contains(t, asked.Body,
		`{"about":"decimal","choices":[{"value":".","reading":"1,234 is 1234"},{"value":",","reading":"1,234 is 1.234"}]}`)
	assert.Contains(t, asked.Body, `"about":"date_format"`)
	answered, _ := c.preview(t, key, path, "?decimal=,&date_format=DD/MM/YYYY", file)
	assert.Equal(t, []any{1.0, []any{}}, []any{answered.JSON["new"], answered.JSON["questions"]})
	assert.Contains(t, answered.Body, `"date":"2026-01-03","amount":"1.234"`)
}

func TestMappingLifecycle(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	path := c.portfolio(t, key)
	file := "Tag;Vorgang;Betrag;Währung\n02.01.2026;Gutschrift;1.000,50;EUR\n"
	unknown, _ := c.preview(t, key, path, "", file)
	assert.Contains(t, unknown.Body, `"about":"mapping","choices":[{"value":"Tag","reading":"02.01.2026"}`)
	mapping := `{"columns":{"date":"Tag","kind":"Vorgang","amount":"Betrag","currency":"Währung"},"kinds":{"Gutschrift":"DEPOSIT"}}`
	require.Equal(t, 200, c.do(t, key, "PUT", "/v1/mappings/bank", mapping).Status)
	assert.JSONEq(t, mapping, c.do(t, key, "GET", "/v1/mappings/bank", "").Body)
	mapped, _ := c.preview(t, key, path, "?mapping=bank", file)
	assert.Equal(t, []any{"mapping", 1.0}, []any{mapped.JSON["layout"], mapped.JSON["new"]})
	wrong := c.do(t, key, "PUT", "/v1/mappings/bank", `{"columns":{"date":"Tag"},"decimal":"'"}`)
	assert.Equal(t, 400, wrong.Status)
	assert.Contains(t, wrong.Body, `"path":"decimal"`)
	assert.Equal(t, 404, c.do(t, c.all(t, "eve"), "GET", "/v1/mappings/bank", "").Status)
	assert.Equal(t, 204, c.do(t, key, "DELETE", "/v1/mappings/bank", "").Status)
	assert.Equal(t, 404, c.do(t, key, "POST", path+"/imports?mapping=bank", file).Status)
}

func TestImportsAreRefused(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	path := c.portfolio(t, key)
	for _, x := range []struct {
		query, file, want string
		status            int
	}{
		{"", "PK\x03\x04", "file: got a spreadsheet", 400},
		{"?layout=abacus", twoAlike, `layout: got \"abacus\"`, 400},
		{"?time_zone=Moon", twoAlike, `time_zone: got \"Moon\"`, 400},
		{"?decimal=x", twoAlike, `decimal: got \"x\"`, 400},
		{"?colour=red", twoAlike, "query: got", 400},
		{"?mapping=none", twoAlike, "", 404},
	} {
		a := c.do(t, key, "POST", path+"/imports"+x.query, x.file)
		assert.Equal(t, x.status, a.Status, a.Body)
		assert.Contains(t, a.Body, x.want)
	}
	assert.Equal(t, 403, c.do(t, c.key(t, "ada", backend.ScopeRead), "POST", path+"/imports", twoAlike).Status)
	// A preview reports entries that are not possible, and confirming it is refused.
	preview, imported := c.preview(t, key, path, "",
		"date,kind,symbol,quantity,price,currency\n2026-01-01,SELL,ACME,1,40.2,USD\n")
	assert.Nil(t, preview.JSON["after"])
	assert.Contains(t, fmt.Sprint(preview.JSON["problems"]), "row:2")
	refused := c.do(t, key, "POST", imported+"/confirm", "")
	assert.Equal(t, 422, refused.Status, refused.Body)
	assert.Contains(t, refused.Body, `"rows":[{"row":2`)
}
