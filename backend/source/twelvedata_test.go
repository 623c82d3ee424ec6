package source

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTwelveDataLatest(t *testing.T) {
	acme := Instrument{Symbol: "ACME", MIC: "XNAS", Currency: "USD"}
	for name, c := range map[string]struct {
		file    string
		code    int
		i       Instrument
		want    []string
		outcome Outcome
		until   string
	}{
		"an open market": {"quote-open.json", 200, acme, []string{"ACME 101.25 USD 2026-03-06T15:00:00Z, fresh until 2026-03-06T15:01:00Z"}, "", ""},
		"pence after the close": {
			"quote-pence.json", 200, Instrument{Symbol: "PNY.L", ID: "PNY", MIC: "XLON"},
			[]string{"PNY.L 8.125 GBP 2026-03-06T16:30:00Z, fresh until 2026-03-09T20:30:00Z"}, "", "",
		},
		"no price":                 {"quote-na.json", 200, acme, nil, NoPrice, ""},
		"another currency":         {"quote-euros.json", 200, acme, nil, CurrencyChanged, ""},
		"the minute is used up":    {"limit-minute.json", 200, acme, nil, RateLimited, "2026-03-06T19:16:00Z"},
		"the day is used up":       {"limit-day.json", 200, acme, nil, RateLimited, "2026-03-07T00:00:00Z"},
		"the day, as a status":     {"limit-day.json", 429, acme, nil, RateLimited, "0001-01-01T00:00:00Z"},
		"the key is refused":       {"key-refused.json", 200, acme, nil, Unauthorised, ""},
		"the key, as a status":     {"key-refused.json", 401, acme, nil, Unauthorised, ""},
		"not known":                {"not-found.json", 200, acme, nil, UnknownSymbol, ""},
		"an error of the provider": {"internal.json", 200, acme, nil, Temporary, ""},
		"cut":                      {"cut.json", 200, acme, nil, Temporary, ""},
		"another kind of answer":   {"wrong.json", 200, acme, nil, Temporary, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			p.status(t, "/quote", c.code, "twelvedata/"+c.file)
			got, err := p.open(t, "twelvedata", moment(t, friday)).Latest(t.Context(), []Instrument{c.i})
			assert.Equal(t, c.outcome, outcomeOf(err), "%v", err)
			assert.ElementsMatch(t, c.want, prices(got))
			if err != nil {
				assert.NotContains(t, err.Error(), testKey)
			}
			if e := (*Error)(nil); c.until != "" && assert.ErrorAs(t, err, &e) {
				assert.Equal(t, moment(t, c.until), e.Until.UTC())
			}
			assert.Equal(t, "apikey "+testKey, p.last().Header.Get("Authorization"))
			assert.NotContains(t, p.last().URL.String(), testKey)
			assert.Equal(t, c.i.MIC, p.last().URL.Query().Get("mic_code"))
		})
	}
}

func TestTwelveDataGoesOnPastASymbol(t *testing.T) {
	p := newProvider(t)
	p.handle("/quote", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("symbol") == "NOSUCH" {
			_, _ = w.Write([]byte(`{"code":404,"message":"not found","status":"error"}`))
			return
		}
		_, _ = w.Write([]byte(`{"currency":"USD","close":"2","last_quote_at":1772809200,"is_market_open":true}`))
	})
	got, err := p.open(t, "twelvedata", moment(t, friday)).Latest(t.Context(),
		[]Instrument{{Symbol: "A"}, {Symbol: "NOSUCH"}, {Symbol: "B"}})
	assert.Equal(t, UnknownSymbol, outcomeOf(err))
	require.Len(t, got, 2)
	assert.Equal(t, []string{"A", "B"}, []string{got[0].Symbol, got[1].Symbol})
}

func TestTwelveDataCloses(t *testing.T) {
	p := newProvider(t)
	p.file(t, "/time_series", "twelvedata/series.json")
	got, err := p.open(t, "twelvedata", moment(t, "2026-03-08T10:00:00Z")).
		Closes(t.Context(), Instrument{Symbol: "ACME", Currency: "USD"}, day(t, "2026-03-02"), day(t, "2026-03-06"))
	require.NoError(t, err)
	assert.Equal(t, []string{
		"ACME 100.123456789012 USD 2026-03-02T21:00:00Z, fresh until 2026-03-04T01:00:00Z",
		"ACME 101.5 USD 2026-03-03T21:00:00Z, fresh until 2026-03-05T01:00:00Z",
		"ACME 99 USD 2026-03-06T21:00:00Z, fresh until 2026-03-10T00:00:00Z",
	}, prices(got))
	assert.Equal(t, "none", p.last().URL.Query().Get("adjust"))
}

func TestTwelveDataActions(t *testing.T) {
	p := newProvider(t)
	p.file(t, "/splits", "twelvedata/splits.json")
	p.file(t, "/dividends", "twelvedata/dividends.json")
	got, err := p.open(t, "twelvedata", moment(t, friday)).Actions(t.Context(), Instrument{Symbol: "ACME"},
		day(t, "2026-03-01"), day(t, "2026-03-06"))
	require.NoError(t, err)
	assert.Equal(t, []string{"2026-03-05 SPLIT 4:1 0", "2026-03-02 SPLIT 1:3 0", "2026-03-03 DIVIDEND 0:0 0.24"},
		proposals(got))
}

func proposals(actions []Action) []string {
	var texts []string
	for _, a := range actions {
		texts = append(texts, fmt.Sprintf("%s %s %d:%d %s", a.Entry.Date, a.Entry.Kind, a.Entry.Ratio.New, a.Entry.Ratio.Old,
			a.Entry.Amount))
	}
	return texts
}

func TestSplitRatioIsChecked(t *testing.T) {
	for _, c := range []struct{ description, from, to, ratio, want string }{
		{"4-for-1 split", "4", "1", "0.25", "4:1"},
		{"4-for-1 split", "1", "4", "0.25", "4:1"},
		{"3-for-2 split", "3", "2", "0.66667", "3:2"},
		{"1-for-10 split", "1", "10", "10", "1:10"},
		{"", "4", "1", "0.25", "4:1"},
		{"4-for-1 split", "4", "1", "4", "refused"},
		{"4-for-1 split", "4", "1", "0.5", "refused"},
		{"", "0", "1", "0.25", "refused"},
	} {
		r, ok := splitRatio(c.description, json.Number(c.from), json.Number(c.to), json.Number(c.ratio))
		got := fmt.Sprintf("%d:%d", r.New, r.Old)
		if !ok {
			got = "refused"
		}
		assert.Equal(t, c.want, got, "%+v", c)
	}
}

func TestTwelveDataStream(t *testing.T) {
	p := newProvider(t)
	subscribed := make(chan string, 1)
	p.handle("/v1/quotes/price", func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		_, message, err := conn.Read(r.Context())
		if err != nil {
			return
		}
		subscribed <- string(message)
		for _, text := range []string{
			`{"event":"subscribe-status","status":"ok","success":[{"symbol":"ACME"}],"fails":[]}`,
			`{"event":"heartbeat","status":"ok"}`,
			`{"event":"price","symbol":"ACME","mic_code":"XNAS","currency":"USD","timestamp":1772809200,"price":101.123456789012}`,
			`{"event":"price","symbol":"OTHER","currency":"USD","timestamp":1772809200,"price":1}`,
			`{"event":"pri`,
			`{"event":"price","symbol":"PNY","mic_code":"XLON","currency":"GBX","timestamp":1772809201,"price":812.5}`,
		} {
			if conn.Write(r.Context(), websocket.MessageText, []byte(text)) != nil {
				return
			}
		}
		_ = conn.Close(websocket.StatusGoingAway, "")
	})
	s, err := Open("twelvedata", Config{Key: testKey, URL: p.url, Stream: true, Now: func() time.Time { return moment(t, friday) }})
	require.NoError(t, err)
	assert.True(t, s.Traits().Stream)
	var got []Price
	err = s.Stream(t.Context(), []Instrument{{Symbol: "ACME"}, {Symbol: "PNY.L", ID: "PNY"}}, func(p Price) { got = append(got, p) })
	assert.Equal(t, Temporary, outcomeOf(err))
	assert.NotContains(t, err.Error(), testKey)
	assert.JSONEq(t, `{"action":"subscribe","params":{"symbols":"ACME,PNY"}}`, <-subscribed)
	assert.Equal(t, []string{
		"ACME 101.123456789012 USD 2026-03-06T15:00:00Z, fresh until 2026-03-06T15:01:00Z",
		"PNY.L 8.125 GBP 2026-03-06T15:00:01Z, fresh until 2026-03-06T15:01:01Z",
	}, prices(got))
}

func TestStreamOfARefusedKey(t *testing.T) {
	p := newProvider(t)
	p.status(t, "/v1/quotes/price", 401, "twelvedata/key-refused.json")
	s, err := Open("twelvedata", Config{Key: testKey, URL: p.url, Stream: true})
	require.NoError(t, err)
	err = s.Stream(t.Context(), []Instrument{{Symbol: "ACME"}}, nil)
	assert.Equal(t, Unauthorised, outcomeOf(err))
}
