package demo

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"portfolio/backend"

	"github.com/coder/websocket"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// call is a request that the fake API has received.
type call struct {
	path, key string
	body      map[string]any
}

// valuations are before the market has prices, with some, and with all.
var valuations = []string{
	`{"total":null,"base":"USD","quotes":[],"rates":[]}`,
	`{"total":"1","base":"USD","quotes":[{"symbol":"ACME","price":"171.35","currency":"USD","source":"trade","stale":true}],"rates":[]}`,
	`{"total":"1","base":"USD","quotes":[{"symbol":"ACME","price":"182.4312","currency":"USD","source":"replay","stale":false},
		{"symbol":"UMBRA","price":"104.9","currency":"EUR","source":"replay","stale":false}],"rates":[{"from":"EUR","to":"USD","rate":"1.162"}]}`,
}

// fakeAPI starts a server that responds as the service does, except that one path fails
// with a status.
func fakeAPI(t *testing.T, failing string, status int) (Client, *[]call) {
	t.Helper()
	calls, asked := &[]call{}, 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := call{path: r.Method + " " + r.URL.Path, key: r.Header.Get("Authorization")}
		if r.Method == http.MethodPost {
			assert.NoError(t, json.NewDecoder(r.Body).Decode(&c.body))
		}
		*calls = append(*calls, c)
		switch r.URL.Path {
		case failing:
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"code":"forbidden","detail":"the key lacks a scope"}`)
		case "/v1/portfolios/p-1/valuation":
			_, _ = io.WriteString(w, valuations[min(asked, len(valuations)-1)])
			asked++
		case "/v1/quotes":
			_, _ = io.WriteString(w, `{"received":1,"newer":1}`)
		case "/v1/sign-in/links":
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"path":"v1/sign-in/link?code=c-1"}`)
		default:
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"id":"p-1"}`)
		}
	}))
	t.Cleanup(server.Close)
	return Client{API: server.URL, Key: "pfk_1"}, calls
}

func TestSignInLink(t *testing.T) {
	c, calls := fakeAPI(t, "", 0)
	got, err := c.SignInLink(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "v1/sign-in/link?code=c-1", got)
	assert.Equal(t, "Bearer pfk_1", (*calls)[0].key)
	c, _ = fakeAPI(t, "/v1/sign-in/links", http.StatusForbidden)
	_, err = c.SignInLink(t.Context())
	assert.EqualError(t, err,
		`POST /v1/sign-in/links: got status 403, want 201: {"code":"forbidden","detail":"the key lacks a scope"}`)
}

func TestSeed(t *testing.T) {
	c, calls := fakeAPI(t, "", 0)
	var out bytes.Buffer
	got, err := Seed(t.Context(), c, time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), &out)
	require.NoError(t, err)
	assert.Equal(t, "p-1", got)
	assert.Equal(t, "portfolio p-1: 8 transactions recorded\n", out.String())
	require.Len(t, *calls, 1+len(history))
	assert.Equal(t, call{"POST /v1/portfolios", "Bearer pfk_1", map[string]any{"name": "Demo", "base_currency": "USD"}},
		(*calls)[0])
	assert.Equal(t, call{"POST /v1/portfolios/p-1/transactions", "Bearer pfk_1", map[string]any{
		"kind": "BUY", "date": "2026-01-30", "symbol": "ACME", "quantity": "40", "price": "300", "currency": "USD", "fee": "4.95",
	}}, (*calls)[3])
}

// Every day has a price and a rate from before the first transaction on, and so has every
// five minutes of today. The last ones are close to where the market opens.
func TestRecording(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	rows, err := csv.NewReader(bytes.NewReader(Recording(now))).ReadAll()
	require.NoError(t, err)
	assert.Equal(t, []string{"time", "symbol", "price", "currency"}, rows[0])
	days, last, opening := map[string]int{}, map[string]decimal.Decimal{}, map[string]decimal.Decimal{}
	for _, row := range rows[1:] {
		value := decimal.RequireFromString(row[2])
		if row[0] == "" {
			opening[row[1]] = value
			continue
		}
		days[row[1]]++
		last[row[1]] = value
		assert.LessOrEqual(t, row[0], now.Format(time.RFC3339))
	}
	const each = pastDays + 12*12
	assert.Equal(t, map[string]int{"ACME": each, "GLOBEX": each, "UMBRA": each, "EUR/USD": each}, days)
	assert.Less(t, history[0].daysAgo, pastDays)
	assert.Len(t, opening, len(days))
	for symbol, price := range opening {
		assert.InDelta(t, 1, last[symbol].Div(price).InexactFloat64(), 0.02, symbol)
	}
}

// Today has a price for every five minutes that are over, in batches that the API accepts,
// from near yesterday's close to near where the market opens.
func TestFeedToday(t *testing.T) {
	c, calls := fakeAPI(t, "", 0)
	midnight := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	require.NoError(t, FeedToday(t.Context(), c, midnight.Add(4*time.Minute)))
	assert.Empty(t, *calls)
	require.NoError(t, FeedToday(t.Context(), c, midnight.Add(14*time.Hour+9*time.Minute)))
	require.Len(t, *calls, 2)
	prices, times := map[string][]float64{}, map[string]bool{}
	for _, call := range *calls {
		quotes, rates := call.body["quotes"].([]any), call.body["rates"].([]any)
		assert.LessOrEqual(t, len(quotes)+len(rates), backend.MaxBatch)
		for _, q := range append(quotes, rates...) {
			q := q.(map[string]any)
			times[q["time"].(string)] = true
			symbol, value := q["symbol"], q["price"]
			if symbol == nil {
				symbol, value = fmt.Sprint(q["from"], "/", q["to"]), q["rate"]
			}
			prices[symbol.(string)] = append(prices[symbol.(string)], decimal.RequireFromString(value.(string)).InexactFloat64())
		}
	}
	assert.Len(t, times, 14*12+1)
	assert.Contains(t, times, "2026-11-24T00:05:00Z")
	assert.Contains(t, times, "2026-11-24T14:05:00Z")
	for _, p := range market {
		got := prices[p.symbol]
		require.Len(t, got, len(times), p.symbol)
		assert.InEpsilon(t, p.past(1).InexactFloat64(), got[0], 0.002, p.symbol)
		assert.InEpsilon(t, p.now.InexactFloat64(), got[len(got)-1], 0.002, p.symbol)
	}
	c, _ = fakeAPI(t, "/v1/quotes", http.StatusForbidden)
	assert.ErrorContains(t, FeedToday(t.Context(), c, midnight.Add(time.Hour)),
		"POST /v1/quotes: got status 403, want 200")
}

// The domain accepts the history: every entry is valid, and no more is sold than is held.
func TestHistoryIsValid(t *testing.T) {
	given := func(text string) decimal.Decimal {
		if text == "" {
			return decimal.Decimal{}
		}
		return decimal.RequireFromString(text)
	}
	today := backend.NewDate(2026, time.November, 24)
	var txs []backend.Transaction
	for i, h := range history {
		tx := backend.Transaction{
			ID: string(rune('a' + i)), Sequence: int64(i), Kind: backend.Kind(h.Kind), Date: today - backend.Date(h.daysAgo),
			Symbol: h.Symbol, Quantity: given(h.Quantity), Price: given(h.Price), Amount: given(h.Amount),
			Currency: backend.Currency(h.Currency), Fee: given(h.Fee), Note: h.Note,
		}
		if h.Ratio != nil {
			tx.Ratio = backend.Ratio{New: int64(h.Ratio.New), Old: int64(h.Ratio.Old)}
		}
		require.NoError(t, tx.Validate(), h)
		txs = append(txs, tx)
	}
	ledger, err := backend.Derive(t.Context(), backend.Policy{Method: backend.FIFO}, txs, today)
	require.NoError(t, err)
	quoted := map[string]bool{}
	for _, p := range market {
		quoted[p.symbol] = true
	}
	held := map[string]string{}
	for _, h := range ledger.Holdings {
		held[h.Symbol] = h.Quantity.String()
		assert.True(t, quoted[h.Symbol], "%s has no price in the market", h.Symbol)
	}
	assert.Equal(t, map[string]string{"ACME": "60", "GLOBEX": "120.5", "UMBRA": "60"}, held)
	for currency, amount := range ledger.Cash {
		assert.True(t, amount.IsPositive(), "%s %s", amount, currency)
	}
}

func TestErrorsContainTheResponse(t *testing.T) {
	c, calls := fakeAPI(t, "/v1/portfolios", http.StatusForbidden)
	_, err := Seed(t.Context(), c, time.Now(), io.Discard)
	assert.EqualError(t, err,
		`POST /v1/portfolios: got status 403, want 201: {"code":"forbidden","detail":"the key lacks a scope"}`)
	assert.Len(t, *calls, 1)

	c, calls = fakeAPI(t, "/v1/portfolios/p-1/transactions", http.StatusConflict)
	_, err = Seed(t.Context(), c, time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC), io.Discard)
	assert.ErrorContains(t, err, "DEPOSIT of 2026-01-28: POST /v1/portfolios/p-1/transactions: got status 409, want 201")
	assert.Len(t, *calls, 2)

	c, _ = fakeAPI(t, "/v1/portfolios/p-1/valuation", http.StatusTooManyRequests)
	assert.ErrorContains(t, AwaitPrices(t.Context(), c, "p-1"),
		"GET /v1/portfolios/p-1/valuation: got status 429, want 200")
	assert.ErrorContains(t, Follow(t.Context(), c, "p-1", nil, io.Discard),
		"GET /v1/portfolios/p-1/valuation: got status 429, want 200")
}

// lines is a writer that sends each line to a channel.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

func TestFollowPrintsThePricesAtEachTick(t *testing.T) {
	c, calls := fakeAPI(t, "", 0)
	require.NoError(t, AwaitPrices(t.Context(), c, "p-1"))
	assert.Len(t, *calls, 3, "until all prices are of the market")
	ctx, cancel := context.WithCancel(t.Context())
	ticks, out, ended := make(chan time.Time), make(lines), make(chan error, 1)
	go func() { ended <- Follow(ctx, c, "p-1", ticks, out) }()
	for range 2 {
		assert.Regexp(t, `^\d\d:\d\d:\d\d  ACME 182\.43 USD   UMBRA 104\.90 EUR   EUR/USD 1\.1620\n$`, <-out)
		select {
		case ticks <- time.Now():
		case <-out:
			t.Error("a line without a tick")
		}
	}
	<-out
	cancel()
	require.NoError(t, <-ended)
	assert.Len(t, *calls, 6)
}

// dial opens a socket to a server that reads one message and then sends the given ones.
func dial(t *testing.T, messages ...string) (client *websocket.Conn, got <-chan string) {
	t.Helper()
	read := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		socket, err := websocket.Accept(w, r, nil)
		if !assert.NoError(t, err) {
			return
		}
		defer socket.CloseNow()
		_, text, err := socket.Read(r.Context())
		assert.NoError(t, err)
		read <- string(text)
		for _, message := range messages {
			assert.NoError(t, socket.Write(r.Context(), websocket.MessageText, []byte(message)))
		}
		_, _, _ = socket.Read(r.Context()) // until the client is gone
	}))
	t.Cleanup(server.Close)
	client, response, err := websocket.Dial(t.Context(), server.URL, nil)
	require.NoError(t, err)
	if response.Body != nil {
		response.Body.Close()
	}
	return client, read
}

func TestWatchPrintsALineForEachMessage(t *testing.T) {
	large := `{"type":"snapshot","text":"` + strings.Repeat("x", 100<<10) + `"}`
	socket, got := dial(t, "{\"type\":\"subscribed\",\n \"portfolio\":\"p-1\"}", large)
	ctx, cancel := context.WithCancel(t.Context())
	out, ended := make(lines), make(chan error, 1)
	go func() { ended <- Watch(ctx, socket, "p-1", out) }()
	assert.Equal(t, `{"type":"subscribed","portfolio":"p-1"}`+"\n", <-out)
	assert.Equal(t, large+"\n", <-out)
	assert.JSONEq(t, `{"action":"subscribe","portfolio":"p-1"}`, <-got)
	cancel()
	assert.NoError(t, <-ended)
}

func TestWatchFailsOnErrorsAndInvalidJSON(t *testing.T) {
	for _, c := range []struct{ message, want string }{
		{`{"type":"error","code":"not_found","message":"no such portfolio"}`, "not_found: no such portfolio"},
		{`pong`, `got "pong" from the WebSocket, want a JSON object`},
	} {
		socket, _ := dial(t, c.message)
		var out bytes.Buffer
		assert.EqualError(t, Watch(t.Context(), socket, "p-1", &out), c.want)
		assert.Empty(t, out.String())
	}
}
