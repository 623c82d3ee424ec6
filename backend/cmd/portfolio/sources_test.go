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

	"github.com/coder/websocket"
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

// newSocket is Twelve Data with a WebSocket on which ACME costs 123.45 dollars, which is
// newer than what it answers over HTTP. It returns what it was asked on the socket.
func newSocket(t *testing.T) (url string, asked <-chan string) {
	messages := make(chan string, 10)
	mux := http.NewServeMux()
	mux.HandleFunc("/quote", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"symbol":"ACME","currency":"USD","close":"120","last_quote_at":%d,"is_market_open":true}`,
			time.Now().Add(-time.Hour).Unix())
	})
	mux.HandleFunc("/v1/quotes/price", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("apikey") != twelveDataKey {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		socket, err := websocket.Accept(w, r, nil)
		if !assert.NoError(t, err) {
			return
		}
		defer socket.CloseNow()
		_, message, err := socket.Read(r.Context())
		if err != nil {
			return // the service was killed
		}
		messages <- string(message)
		for _, event := range []string{
			`{"event":"subscribe-status","status":"ok","success":[{"symbol":"ACME"}],"fails":null}`,
			fmt.Sprintf(`{"event":"price","symbol":"ACME","currency":"USD","timestamp":%d,"price":123.45}`,
				time.Now().Unix()),
		} {
			if socket.Write(r.Context(), websocket.MessageText, []byte(event)) != nil {
				return
			}
		}
		_, _, _ = socket.Read(r.Context()) // until the service closes it
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL, messages
}

// TestPricesFromSources values a portfolio in yen, of dollars and shares, with rates from one
// source and a price from another's socket, whose key is in a secret. A second instance asks
// only after it has taken over.
func TestPricesFromSources(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := start(t, w.env)
	before.eventually("/ready", http.StatusOK)
	b := books{before, w.key(t)}
	portfolio := b.portfolio("JPY", `,"track_cash":false`)
	entered := backend.DateOf(time.Now().AddDate(0, 0, -10)).String()
	b.record(portfolio, `"kind":"BUY","date":"`+entered+`","symbol":"ACME","quantity":"100","price":"110","currency":"USD"`)
	stop(before)

	url, calls := newECB(t)
	socket, asked := newSocket(t)
	w.cloud.rotate(sourceSecret, `{"twelvedata":"`+twelveDataKey+`"}`)
	w.env["QUOTE_SOURCES"], w.env["QUOTE_STREAMS"], w.env["QUOTE_SOURCE_SECRET_ARN"] = "ecb,twelvedata",
		"twelvedata", sourceSecret
	w.env["QUOTE_SOURCE_URLS"] = `{"ecb":"` + url + `","twelvedata":"` + socket + `"}`
	first := start(t, w.env)
	valued := func(i *instance, about string) (v backend.Valuation) {
		t.Helper()
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			v = backend.Valuation{}
			i.api(b.key, http.MethodGet, portfolio+"/valuation", "", http.StatusOK, &v)
			assert.Equal(c, []any{"1580160", backend.StatePriced}, []any{v.Total.Decimal.String(), v.State}, about)
		}, 45*time.Second, 100*time.Millisecond)
		return v
	}
	v := valued(first, "100 shares at 123.45 dollars at 160 / 1.25")
	require.Len(t, v.Quotes, 1)
	assert.Equal(t, []string{"123.45", "twelvedata"}, []string{v.Quotes[0].Price.String(), v.Quotes[0].Source})
	assert.JSONEq(t, `{"action":"subscribe","params":{"symbols":"ACME"}}`, <-asked)
	require.Len(t, v.Rates, 2, "the legs of the cross rate")
	assert.Equal(t, []any{backend.Currency("EUR"), backend.Currency("JPY"), backend.Currency("EUR"),
		backend.Currency("USD")},
		[]any{v.Rates[0].From, v.Rates[0].To, v.Rates[1].From, v.Rates[1].To})
	var statuses struct{ Items []source.Status }
	first.api(b.key, http.MethodGet, "/v1/sources", "", http.StatusOK, &statuses)
	require.Len(t, statuses.Items, 2)
	assert.Equal(t, []any{"ecb", source.Working}, []any{statuses.Items[0].Source, statuses.Items[0].State})
	assert.WithinDuration(t, time.Now(), *statuses.Items[0].LastSuccess, time.Minute)
	assert.True(t, statuses.Items[0].NextCall.After(time.Now()))
	called := calls.Load()

	second := start(t, w.env)
	second.eventually("/ready", http.StatusOK)
	stop(first)
	require.Eventually(t, func() bool { return strings.Contains(second.log(), "asking sources") },
		30*time.Second, 100*time.Millisecond)
	valued(second, "it takes over")
	<-asked // it connects to the socket
	assert.Equal(t, called, calls.Load(), "what the first instance has stored is not asked for again")
}

// stop kills an instance, as a failure would.
func stop(i *instance) {
	_ = i.process.Kill() // it may have ended already
	<-i.ended
}
