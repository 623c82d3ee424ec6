package main_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/source"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// newECB serves the reference rates of the last days, in which one euro is 1.25 dollars
// or 160 yen, and counts the calls.
func newECB(t *testing.T) (url string, calls *atomic.Int32) {
	calls = &atomic.Int32{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		fmt.Fprint(w, `<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref"><Cube>`)
		last := source.TARGET.LastClose(time.Now())
		for d := last; d > last-60; d-- {
			if source.TARGET.Trading(d) {
				fmt.Fprintf(w, "<Cube time='%s'><Cube currency='USD' rate='1.25'/><Cube currency='JPY' rate='160'/></Cube>", d)
			}
		}
		fmt.Fprint(w, "</Cube></gesmes:Envelope>")
	}))
	t.Cleanup(server.Close)
	return server.URL, calls
}

// TestRatesFromSource has a portfolio in yen with dollars valued by the rates that the
// service asked a source for. A second instance does not ask as well, and takes over.
func TestRatesFromSource(t *testing.T) {
	w := newWorld(t)
	url, calls := newECB(t)
	w.env["QUOTE_SOURCES"], w.env["QUOTE_SOURCE_URLS"] = "ecb", `{"ecb":"`+url+`"}`
	first := start(t, w.env)
	first.eventually("/ready", http.StatusOK)
	key := w.key(t)
	var p struct{ ID string }
	first.api(key, http.MethodPost, "/v1/portfolios", `{"name":"Yen","base_currency":"JPY"}`, http.StatusCreated, &p)
	var recorded any
	first.api(key, http.MethodPost, "/v1/portfolios/"+p.ID+"/transactions",
		`{"kind":"DEPOSIT","date":"`+backend.DateOf(time.Now().AddDate(0, 0, -10)).String()+`","amount":"100","currency":"USD"}`,
		http.StatusCreated, &recorded)
	value := func(i *instance) (v backend.Valuation) {
		i.api(key, http.MethodGet, "/v1/portfolios/"+p.ID+"/valuation", "", http.StatusOK, &v)
		return v
	}
	require.Eventually(t, func() bool { return value(first).Total.Valid }, 90*time.Second, 200*time.Millisecond)
	v := value(first)
	assert.Equal(t, "12800", v.Total.Decimal.String(), "100 dollars at 160 / 1.25")
	assert.Equal(t, backend.StatePriced, v.State, "a rate is fresh until the next one is due")
	require.Len(t, v.Rates, 2, "the legs of the cross rate")
	assert.Equal(t, []any{backend.Currency("EUR"), backend.Currency("JPY"), backend.Currency("EUR"), backend.Currency("USD")},
		[]any{v.Rates[0].From, v.Rates[0].To, v.Rates[1].From, v.Rates[1].To})
	var statuses struct{ Items []source.Status }
	first.api(key, http.MethodGet, "/v1/sources", "", http.StatusOK, &statuses)
	require.Len(t, statuses.Items, 1)
	assert.Equal(t, []any{"ecb", source.Working}, []any{statuses.Items[0].Source, statuses.Items[0].State})
	assert.WithinDuration(t, time.Now(), *statuses.Items[0].LastSuccess, time.Minute)
	assert.True(t, statuses.Items[0].NextCall.After(time.Now()))
	before := calls.Load()

	second := start(t, w.env)
	second.eventually("/ready", http.StatusOK)
	_ = first.process.Kill()
	<-first.ended
	require.Eventually(t, func() bool { return strings.Contains(second.log(), "asking sources") }, 30*time.Second, 100*time.Millisecond)
	assert.Equal(t, "12800", value(second).Total.Decimal.String())
	time.Sleep(time.Second)
	assert.Equal(t, before, calls.Load(), "what the first instance has stored is not asked for again")
}
