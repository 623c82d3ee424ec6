package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/push"
	"portfolio/backend/push/pushtest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// everyKind is an entry of each kind, in an order in which the ledger accepts them.
var everyKind = []string{
	`"kind":"DEPOSIT","date":"2026-01-01","amount":"10000","currency":"EUR"`,
	`"kind":"BUY","date":"2026-01-02","symbol":"AAA","quantity":"10.5","price":"100","amount":"1050.01","currency":"EUR","fee":"1","tax":"0.5"`,
	`"kind":"CONVERSION","date":"2026-01-03","amount":"1000","currency":"EUR","to_amount":"1100","to_currency":"USD"`,
	`"kind":"BUY","date":"2026-01-03","time":"10:00","symbol":"BBB","quantity":"20","price":"10","currency":"USD","fee":"1","fee_currency":"EUR"`,
	`"kind":"SELL","date":"2026-01-04","symbol":"AAA","quantity":"0.5","price":"110","currency":"EUR","lots":[{"date":"2026-01-02","quantity":"0.5"}]`,
	`"kind":"DIVIDEND","date":"2026-01-05","symbol":"AAA","amount":"12","currency":"EUR","tax":"3"`,
	`"kind":"INTEREST","date":"2026-01-05","amount":"-4","currency":"EUR"`,
	`"kind":"FEE","date":"2026-01-05","amount":"2","currency":"USD"`,
	`"kind":"TRANSFER_IN","date":"2026-01-06","symbol":"CCC","quantity":"8","amount":"80","currency":"EUR","acquired":"2020-02-29"`,
	`"kind":"TRANSFER_OUT","date":"2026-01-07","symbol":"CCC","quantity":"1"`,
	`"kind":"RETURN_OF_CAPITAL","date":"2026-01-08","symbol":"AAA","amount":"50","currency":"EUR"`,
	`"kind":"SPLIT","date":"2026-01-09","symbol":"CCC","ratio":{"new":1,"old":2},"amount":"4","currency":"EUR"`,
	`"kind":"SPIN_OFF","date":"2026-01-10","symbol":"AAA","to_symbol":"DDD","ratio":{"new":1,"old":4},"cost_fraction":"0.2"`,
	`"kind":"MERGER","date":"2026-01-11","symbol":"CCC","to_symbol":"DDD","ratio":{"new":3,"old":1},"amount":"2","currency":"EUR"`,
	`"kind":"WITHDRAWAL","date":"2026-01-12","amount":"10","currency":"EUR"`,
}

// After each change, whatever its kind and wherever it is made, a client that applies
// deltas has what a client that loads the portfolio again has.
func TestTwoClientsWithEveryKind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.two(t)
	apiKey := w.key(t)
	var portfolio struct{ ID string }
	one.api(apiKey, http.MethodPost, "/v1/portfolios", `{"name":"All","base_currency":"CHF"}`,
		http.StatusCreated, &portfolio)
	path := "/v1/portfolios/" + portfolio.ID
	w.connected(one, "first=")
	a := one.send(one.call("/internal/message", key,
		messageBody("first=", `{"action":"subscribe","portfolio":"`+portfolio.ID+`"}`), time.Now()))
	require.Equal(t, http.StatusOK, a.Status, a.Body)
	agree := func(after string) {
		t.Helper()
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			var loaded backend.Valuation
			two.api(apiKey, http.MethodGet, path+"/valuation", "", http.StatusOK, &loaded)
			assert.Equal(c, timeless(t, loaded), timeless(t, followed(t, w.cloud.messages("first="))), after)
		}, 30*time.Second, 100*time.Millisecond)
	}
	quote := func(i *instance, symbol, currency string, price int) {
		i.api(apiKey, http.MethodPost, "/v1/quotes", fmt.Sprintf(
			`{"quotes":[{"symbol":%q,"price":"%d","currency":%q,"source":"test","time":%q}]}`,
			symbol, price, currency, time.Now().UTC().Format(time.RFC3339Nano)), http.StatusOK, &struct{}{})
	}
	kinds := map[backend.Kind]bool{}
	for n, entry := range everyKind {
		i := []*instance{one, two}[n%2]
		var recorded struct{ Kind backend.Kind }
		i.api(apiKey, http.MethodPost, path+"/transactions", "{"+entry+"}", http.StatusCreated, &recorded)
		kinds[recorded.Kind] = true
		agree(entry)
		switch n {
		case 4:
			i.api(apiKey, http.MethodPost, "/v1/quotes", fmt.Sprintf(`{"rates":[
				{"from":"EUR","to":"CHF","rate":"0.95","source":"test","time":%q},{"from":"USD","to":"CHF","rate":"0.9","source":"test","time":%q}]}`,
				"2026-01-04T12:00:00Z", "2026-01-04T12:00:00Z"), http.StatusOK, &struct{}{})
			agree("rates")
		case 6, 12:
			quote(i, "AAA", "EUR", 100+n)
			agree("a price")
			quote(i, "BBB", "USD", 10+n)
			agree("another price")
		}
	}
	for _, kind := range backend.Kinds {
		assert.True(t, kinds[kind], kind)
	}
}

// followed applies a client's messages as docs/websocket.md says.
func followed(t *testing.T, messages []string) (v backend.Valuation) {
	t.Helper()
	sequence := int64(0)
	for _, text := range messages {
		var m struct {
			Type            string
			Sequence, After int64
			Valuation       json.RawMessage
		}
		require.NoError(t, json.Unmarshal([]byte(text), &m))
		if m.Sequence <= sequence {
			continue
		}
		switch m.Type {
		case "snapshot":
			v = backend.Valuation{}
			require.NoError(t, json.Unmarshal(m.Valuation, &v))
		case "delta":
			require.LessOrEqual(t, m.After, sequence)
			var d push.Delta
			require.NoError(t, json.Unmarshal([]byte(text), &d))
			v = pushtest.Apply(d, v)
		default:
			continue
		}
		sequence = m.Sequence
	}
	return v
}

// timeless is a valuation without what changes only with time.
func timeless(t *testing.T, v backend.Valuation) string {
	t.Helper()
	v.AsOf = time.Time{}
	for i := range v.Quotes {
		v.Quotes[i].AgeMS = 0
	}
	for i := range v.Rates {
		v.Rates[i].AgeMS = 0
	}
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}
