package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
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

// fakeAPI starts a server that responds as the service does, except that one path fails
// with a status.
func fakeAPI(t *testing.T, failing string, status int) (Client, *[]call) {
	t.Helper()
	calls := &[]call{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := call{path: r.Method + " " + r.URL.Path, key: r.Header.Get("Authorization")}
		assert.NoError(t, json.NewDecoder(r.Body).Decode(&c.body))
		*calls = append(*calls, c)
		switch r.URL.Path {
		case failing:
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"code":"forbidden","detail":"the key lacks a scope"}`)
		case "/v1/quotes":
			_, _ = io.WriteString(w, `{"received":4,"newer":4}`)
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
	assert.EqualError(t, err, `POST /v1/sign-in/links: got status 403, want 201: {"code":"forbidden","detail":"the key lacks a scope"}`)
}

func TestSeed(t *testing.T) {
	c, calls := fakeAPI(t, "", 0)
	var out bytes.Buffer
	got, err := Seed(t.Context(), c, time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), &out)
	require.NoError(t, err)
	assert.Equal(t, "p-1", got)
	assert.Equal(t, "portfolio p-1: 8 transactions recorded\n", out.String())
	require.Len(t, *calls, 1+len(history))
	assert.Equal(t, call{"POST /v1/portfolios", "Bearer pfk_1", map[string]any{"name": "Demo", "base_currency": "USD"}}, (*calls)[0])
	assert.Equal(t, call{"POST /v1/portfolios/p-1/transactions", "Bearer pfk_1", map[string]any{
		"kind": "BUY", "date": "2026-01-30", "symbol": "ACME", "quantity": "40", "price": "300", "currency": "USD", "fee": "4.95",
	}}, (*calls)[3])
}

// Every day has a price and a rate from before the first transaction on, and the last
// ones are close to where the market opens.
func TestPast(t *testing.T) {
	c, calls := fakeAPI(t, "", 0)
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	m := NewMarket(rand.New(rand.NewPCG(1, 2)))
	require.NoError(t, Past(t.Context(), c, m, now))
	days, last := map[string]int{}, map[string]decimal.Decimal{}
	for _, made := range *calls {
		quotes, rates := made.body["quotes"].([]any), made.body["rates"].([]any)
		assert.LessOrEqual(t, len(quotes)+len(rates), 500)
		for _, item := range append(quotes, rates...) {
			q := item.(map[string]any)
			name, price := q["symbol"], q["price"]
			if name == nil {
				name, price = q["from"], q["rate"]
			}
			days[name.(string)]++
			last[name.(string)] = decimal.RequireFromString(price.(string))
			assert.Less(t, q["time"].(string), now.Format(time.RFC3339))
		}
	}
	assert.Equal(t, map[string]int{"ACME": pastDays, "GLOBEX": pastDays, "UMBRA": pastDays, "EUR": pastDays}, days)
	assert.Less(t, history[0].daysAgo, pastDays)
	for _, q := range m.quotes {
		ratio := last[q.Symbol].Div(q.Price).InexactFloat64()
		assert.InDelta(t, 1, ratio, 0.02, q.Symbol)
	}
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
	for _, q := range NewMarket(rand.New(rand.NewPCG(1, 2))).quotes {
		quoted[q.Symbol] = true
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
	assert.EqualError(t, err, `POST /v1/portfolios: got status 403, want 201: {"code":"forbidden","detail":"the key lacks a scope"}`)
	assert.Len(t, *calls, 1)

	c, calls = fakeAPI(t, "/v1/portfolios/p-1/transactions", http.StatusConflict)
	_, err = Seed(t.Context(), c, time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC), io.Discard)
	assert.ErrorContains(t, err, "DEPOSIT of 2026-01-28: POST /v1/portfolios/p-1/transactions: got status 409, want 201")
	assert.Len(t, *calls, 2)

	c, _ = fakeAPI(t, "/v1/quotes", http.StatusTooManyRequests)
	assert.ErrorContains(t, Feed(t.Context(), c, NewMarket(rand.New(rand.NewPCG(1, 2))), nil, io.Discard), "POST /v1/quotes: got status 429, want 200")
}

// lines is a writer that sends each line to a channel.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

func TestFeedWritesEveryPriceAtEachTick(t *testing.T) {
	c, calls := fakeAPI(t, "", 0)
	ctx, cancel := context.WithCancel(t.Context())
	ticks, out, ended := make(chan time.Time), make(lines), make(chan error, 1)
	go func() { ended <- Feed(ctx, c, NewMarket(rand.New(rand.NewPCG(1, 2))), ticks, out) }()
	assert.Regexp(t, `^\d\d:\d\d:\d\d  ACME \d+\.\d\d USD   GLOBEX \d+\.\d\d USD   UMBRA \d+\.\d\d EUR   EUR/USD 1\.\d{4}\n$`, <-out)
	ticks <- time.Now()
	<-out
	cancel()
	require.NoError(t, <-ended)
	require.Len(t, *calls, 2)
	for _, got := range *calls {
		assert.Equal(t, []string{"POST /v1/quotes", "Bearer pfk_1"}, []string{got.path, got.key})
		assert.Len(t, got.body["quotes"], 3)
		first := got.body["quotes"].([]any)[0].(map[string]any)
		assert.IsType(t, "", first["price"], "a decimal is never a JSON number")
		assert.Equal(t, []any{"ACME", "USD", "demo"}, []any{first["symbol"], first["currency"], first["source"]})
		at, err := time.Parse(time.RFC3339Nano, first["time"].(string))
		require.NoError(t, err)
		assert.Equal(t, time.UTC, at.Location())
		assert.IsType(t, "", got.body["rates"].([]any)[0].(map[string]any)["rate"])
	}
	assert.NotEqual(t, (*calls)[0].body["quotes"], (*calls)[1].body["quotes"])
}

func TestPricesMoveByNoMoreThanAStep(t *testing.T) {
	m, same := NewMarket(rand.New(rand.NewPCG(1, 2))), NewMarket(rand.New(rand.NewPCG(1, 2)))
	m.quotes[0].Price = decimal.RequireFromString("0.01") // does not fall to zero
	for range 1000 {
		before := m.quotes[1].Price
		m.Step(time.Now())
		same.Step(time.Now())
		bound := before.Mul(decimal.New(2, -3)).Add(decimal.New(5, -3))
		assert.True(t, m.quotes[1].Price.Sub(before).Abs().LessThanOrEqual(bound), "from %s to %s", before, m.quotes[1].Price)
		assert.True(t, m.quotes[0].Price.IsPositive())
		assert.Equal(t, same.quotes[2].Price, m.quotes[2].Price)
	}
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
