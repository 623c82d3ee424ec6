package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portfolio/backend"

	"github.com/coder/websocket"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func day(t testing.TB, text string) backend.Date {
	t.Helper()
	d, err := backend.ParseDate(text)
	require.NoError(t, err)
	return d
}

// friday is a quarter past eight in the evening in Frankfurt, in trading hours of New York.
const friday = "2026-03-06T19:15:00Z"

func prices(list []Price) []string {
	texts := []string{}
	for _, p := range list {
		texts = append(texts, fmt.Sprintf("%s %s %s %s, fresh until %s", p.Symbol, p.Price, p.Currency, p.Time.Format(time.RFC3339), p.FreshUntil.UTC().Format(time.RFC3339)))
	}
	return texts
}

func ratesOf(list []Rate) []string {
	texts := []string{}
	for _, r := range list {
		texts = append(texts, fmt.Sprintf("%s%s %s %s, fresh until %s", r.From, r.To, r.Rate, r.Time.Format(time.RFC3339), r.FreshUntil.UTC().Format(time.RFC3339)))
	}
	return texts
}

func outcomeOf(err error) Outcome {
	if e := (*Error)(nil); errors.As(err, &e) {
		return e.Outcome
	}
	return ""
}

func TestECB(t *testing.T) {
	p := newProvider(t)
	p.file(t, "/stats/eurofxref/eurofxref-daily.xml", "ecb/daily.xml")
	p.file(t, "/stats/eurofxref/eurofxref-hist-90d.xml", "ecb/hist-90d.xml")
	p.file(t, "/stats/eurofxref/eurofxref-hist.xml", "ecb/hist.xml")
	s := p.open(t, "ecb", moment(t, friday))
	currencies := []backend.Currency{"USD", "JPY", "ISK", "GMD"}
	today := day(t, "2026-03-06")
	for _, c := range []struct {
		from string
		want []string
	}{
		{"2026-03-06", []string{
			"EURUSD 1.1355 2026-03-06T15:00:00Z, fresh until 2026-03-09T17:00:00Z",
			"EURJPY 162.4 2026-03-06T15:00:00Z, fresh until 2026-03-09T17:00:00Z",
		}},
		{"2026-03-02", []string{
			"EURUSD 1.1301 2026-03-02T15:00:00Z, fresh until 2026-03-03T17:00:00Z",
			"EURUSD 1.134 2026-03-05T15:00:00Z, fresh until 2026-03-06T17:00:00Z",
			"EURJPY 162.1 2026-03-05T15:00:00Z, fresh until 2026-03-06T17:00:00Z",
			"EURUSD 1.1355 2026-03-06T15:00:00Z, fresh until 2026-03-09T17:00:00Z",
			"EURJPY 162.4 2026-03-06T15:00:00Z, fresh until 2026-03-09T17:00:00Z",
		}},
		{"1999-01-04", []string{
			"EURUSD 1.1789 1999-01-04T15:00:00Z, fresh until 1999-01-05T17:00:00Z",
			"EURUSD 1.1355 2026-03-06T15:00:00Z, fresh until 2026-03-09T17:00:00Z",
		}},
	} {
		rates, err := s.Rates(t.Context(), currencies, day(t, c.from), today)
		require.NoError(t, err)
		assert.Equal(t, c.want, ratesOf(rates))
		for _, r := range rates {
			assert.NoError(t, r.Validate())
		}
	}
	assert.Empty(t, p.last().Header.Get("Authorization"))
}

func TestECBFailures(t *testing.T) {
	const path = "/stats/eurofxref/eurofxref-daily.xml"
	now := moment(t, friday)
	for name, c := range map[string]struct {
		answer func(*provider)
		want   Outcome
	}{
		"an HTML page": {func(p *provider) { p.file(t, path, "ecb/captcha.html") }, Temporary},
		"cut":          {func(p *provider) { p.file(t, path, "ecb/cut.xml") }, Temporary},
		"out of order": {func(p *provider) { p.status(t, path, 503, "") }, Temporary},
		"slow": {func(p *provider) {
			p.handle(path, func(http.ResponseWriter, *http.Request) { time.Sleep(time.Second / 2) })
		}, Temporary},
		"asked too often": {func(p *provider) { p.status(t, path, 429, "") }, RateLimited},
		"connection closed": {func(p *provider) {
			p.handle(path, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		}, Temporary},
		"a wrong length": {func(p *provider) { p.handle(path, short) }, Temporary},
		"not an answer":  {func(*provider) {}, UnknownSymbol},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			c.answer(p)
			rates, err := p.open(t, "ecb", now).Rates(t.Context(), []backend.Currency{"USD"}, day(t, "2026-03-06"), day(t, "2026-03-06"))
			assert.Empty(t, rates)
			assert.Equal(t, c.want, outcomeOf(err), "%v", err)
		})
	}
}

// short announces a longer body than it sends.
func short(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = w.Write([]byte("<gesmes"))
}

func TestClientIsTold(t *testing.T) {
	now := moment(t, friday)
	p := newProvider(t)
	p.handle("/stats/eurofxref/eurofxref-daily.xml", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	_, err := p.open(t, "ecb", now).Rates(t.Context(), nil, day(t, "2026-03-06"), day(t, "2026-03-06"))
	e := (*Error)(nil)
	require.ErrorAs(t, err, &e)
	assert.Equal(t, now.Add(2*time.Minute), e.Until)
}

func TestCircuitOpens(t *testing.T) {
	p := newProvider(t)
	p.status(t, "/stats/eurofxref/eurofxref-daily.xml", 500, "")
	s := p.open(t, "ecb", moment(t, friday))
	for range 2 * failuresToOpen {
		_, err := s.Rates(t.Context(), nil, day(t, "2026-03-06"), day(t, "2026-03-06"))
		assert.Equal(t, Temporary, outcomeOf(err))
	}
	assert.Len(t, p.requests, failuresToOpen)
}

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
	got, err := p.open(t, "twelvedata", moment(t, friday)).Latest(t.Context(), []Instrument{{Symbol: "A"}, {Symbol: "NOSUCH"}, {Symbol: "B"}})
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
	got, err := p.open(t, "twelvedata", moment(t, friday)).Actions(t.Context(), Instrument{Symbol: "ACME"}, day(t, "2026-03-01"), day(t, "2026-03-06"))
	require.NoError(t, err)
	assert.Equal(t, []string{"2026-03-05 SPLIT 4:1 0", "2026-03-02 SPLIT 1:3 0", "2026-03-03 DIVIDEND 0:0 0.24"}, proposals(got))
}

func proposals(actions []Action) []string {
	var texts []string
	for _, a := range actions {
		texts = append(texts, fmt.Sprintf("%s %s %d:%d %s", a.Entry.Date, a.Entry.Kind, a.Entry.Ratio.New, a.Entry.Ratio.Old, a.Entry.Amount))
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

func TestTiingo(t *testing.T) {
	p := newProvider(t)
	p.file(t, "/tiingo/daily/brk-b/prices", "tiingo/prices.json")
	s := p.open(t, "tiingo", moment(t, friday))
	i := Instrument{Symbol: "BRK.B"}
	got, err := s.Closes(t.Context(), i, day(t, "2026-03-02"), day(t, "2026-03-04"))
	require.NoError(t, err)
	assert.Equal(t, []string{
		"BRK.B 400.12 USD 2026-03-02T21:00:00Z, fresh until 2026-03-04T01:00:00Z",
		"BRK.B 404 USD 2026-03-03T21:00:00Z, fresh until 2026-03-05T01:00:00Z",
		"BRK.B 101.7 USD 2026-03-04T21:00:00Z, fresh until 2026-03-06T01:00:00Z",
	}, prices(got))
	assert.Equal(t, "Token "+testKey, p.last().Header.Get("Authorization"))
	assert.Equal(t, "endDate=2026-03-04&startDate=2026-03-02", p.last().URL.RawQuery)
	actions, err := s.Actions(t.Context(), i, day(t, "2026-03-02"), day(t, "2026-03-04"))
	require.NoError(t, err)
	assert.Equal(t, []string{"2026-03-03 DIVIDEND 0:0 0.24", "2026-03-04 SPLIT 4:1 0"}, proposals(actions))
}

func TestTiingoFailures(t *testing.T) {
	for name, c := range map[string]struct {
		code int
		file string
		want Outcome
	}{
		"nothing in the period": {200, "tiingo/empty.json", NoPrice},
		"not known":             {404, "tiingo/not-found.json", UnknownSymbol},
		"the key is refused":    {401, "tiingo/key-refused.json", Unauthorised},
		"the plan lacks it":     {403, "tiingo/key-refused.json", Unauthorised},
		"an error inside a 200": {200, "tiingo/key-refused.json", Temporary},
		"asked too often":       {429, "", RateLimited},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			p.status(t, "/tiingo/daily/acme/prices", c.code, c.file)
			_, err := p.open(t, "tiingo", moment(t, friday)).Closes(t.Context(), Instrument{Symbol: "ACME"}, day(t, "2026-03-02"), day(t, "2026-03-04"))
			assert.Equal(t, c.want, outcomeOf(err), "%v", err)
		})
	}
}

// An instrument of the currency GBP with the minor unit 100 is quoted in pence, whether the
// source says pence, pounds or nothing.
func TestMinorUnitOfAnInstrument(t *testing.T) {
	for _, code := range []string{"GBp", "GBX", "GBP"} {
		p := newProvider(t)
		p.handle("/quote", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"symbol":"PNY","mic_code":"XLON","currency":%q,"close":"812.35","last_quote_at":1772802000,"is_market_open":false}`, code)
		})
		p.handle("/time_series", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"meta":{"currency":%q,"mic_code":"XLON"},"values":[{"datetime":"2026-03-05","close":"810.15"}]}`, code)
		})
		p.handle("/tiingo/daily/pny/prices", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `[{"date":"2026-03-05T00:00:00Z","close":810.15,"divCash":7.1,"splitFactor":1}]`)
		})
		i := Instrument{Symbol: "PNY", MIC: "XLON", Currency: "GBP", MinorUnit: 100}
		s := p.open(t, "twelvedata", moment(t, friday))
		got, err := s.Latest(t.Context(), []Instrument{i})
		require.NoError(t, err)
		closes, err := s.Closes(t.Context(), i, day(t, "2026-03-05"), day(t, "2026-03-05"))
		require.NoError(t, err)
		assert.Equal(t, []string{"8.1235 GBP", "8.1015 GBP"},
			[]string{got[0].Price.String() + " " + string(got[0].Currency), closes[0].Price.String() + " " + string(closes[0].Currency)}, code)
		if code != "GBP" { // pounds stay pounds where the instrument does not say otherwise
			continue
		}
		silent := p.open(t, "tiingo", moment(t, friday))
		closes, err = silent.Closes(t.Context(), i, day(t, "2026-03-05"), day(t, "2026-03-05"))
		require.NoError(t, err)
		assert.Equal(t, "8.1015", closes[0].Price.String())
		actions, err := silent.Actions(t.Context(), i, day(t, "2026-03-05"), day(t, "2026-03-05"))
		require.NoError(t, err)
		assert.Equal(t, []any{"0.071", backend.Currency("GBP")}, []any{actions[0].Entry.Amount.String(), actions[0].Entry.Currency})
		i.MinorUnit = 1
		got, err = s.Latest(t.Context(), []Instrument{i})
		require.NoError(t, err)
		assert.Equal(t, "812.35", got[0].Price.String())
	}
}

func TestReplayOfAFile(t *testing.T) {
	s, err := Open("replay", Config{File: "testdata/replay/market.csv", Now: func() time.Time { return moment(t, friday) }})
	require.NoError(t, err)
	got, err := s.Closes(t.Context(), Instrument{Symbol: "ACME", MIC: "XNAS"}, day(t, "2026-03-01"), day(t, "2026-03-02"))
	require.NoError(t, err)
	assert.Equal(t, []string{"ACME 102 USD 2026-03-02T20:59:00Z, fresh until 2026-03-04T01:00:00Z"}, prices(got))
	latest, err := s.Latest(t.Context(), []Instrument{{Symbol: "PNY"}, {Symbol: "NOSUCH"}})
	assert.Equal(t, UnknownSymbol, outcomeOf(err))
	assert.Equal(t, []string{"PNY 8.125 GBP 2026-03-02T16:00:00Z, fresh until 2026-03-02T16:01:00Z"}, prices(latest))
	rates, err := s.Rates(t.Context(), []backend.Currency{"USD", "JPY"}, day(t, "2026-03-02"), day(t, "2026-03-02"))
	require.NoError(t, err)
	assert.Equal(t, []string{"EURUSD 1.1355 2026-03-02T14:59:00Z, fresh until 2026-03-03T17:00:00Z"}, ratesOf(rates))
}

// A row without a time moves on from where the recorded prices end, close to its own price.
func TestReplayGoesOnAfterAFile(t *testing.T) {
	now := moment(t, friday)
	file := filepath.Join(t.TempDir(), "market.csv")
	require.NoError(t, os.WriteFile(file, []byte("time,symbol,price,currency\n2026-03-05T15:00:00Z,ACME,100,USD\n,ACME,101,USD\n,PNY,812.5,GBX\n,EUR/USD,1.16,\n"), 0o600))
	s, err := Open("replay", Config{File: file, Now: func() time.Time { return now }})
	require.NoError(t, err)
	closes, err := s.Closes(t.Context(), Instrument{Symbol: "ACME", MIC: "XETR"}, day(t, "2026-03-05"), day(t, "2026-03-06"))
	require.NoError(t, err)
	require.Len(t, closes, 2)
	for _, c := range []struct{ symbol, currency, about string }{{"ACME", "USD", "101"}, {"PNY", "GBP", "8.125"}} {
		before, err := s.Latest(t.Context(), []Instrument{{Symbol: c.symbol}})
		require.NoError(t, err)
		now = now.Add(time.Second)
		after, err := s.Latest(t.Context(), []Instrument{{Symbol: c.symbol}})
		require.NoError(t, err)
		assert.NotEqual(t, before[0].Price.String(), after[0].Price.String(), "within a second")
		assert.Equal(t, []any{now, backend.Currency(c.currency)}, []any{after[0].Time, after[0].Currency})
		assert.InEpsilon(t, decimal.RequireFromString(c.about).InexactFloat64(), after[0].Price.InexactFloat64(), 0.01)
	}
	_, err = s.Latest(t.Context(), []Instrument{{Symbol: "OTHER"}})
	assert.Equal(t, UnknownSymbol, outcomeOf(err), "no price is invented for what the file does not name")
	rates, err := s.Rates(t.Context(), []backend.Currency{"USD"}, day(t, "2026-03-06"), day(t, "2026-03-06"))
	require.NoError(t, err)
	require.Len(t, rates, 1)
	assert.InEpsilon(t, 1.16, rates[0].Rate.InexactFloat64(), 0.01)
}

func TestReplayRefusesAWrongFile(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a,b\n", `header: got "a,b", want time,symbol,price,currency`},
		{"time,symbol,price,currency\nnow,A,1,USD\n", `line 2: time: got "now"`},
		{"time,symbol,price,currency\n2026-03-02T14:30:00Z,A,-1,USD\n", `line 2: price: got "-1"`},
		{"time,symbol,price,currency\n2026-03-02T14:30:00Z,A,1,XYZ\n", `line 2: currency: got "XYZ"`},
	} {
		_, _, err := readRecording(strings.NewReader(c.text))
		require.Error(t, err)
		assert.Contains(t, err.Error(), c.want)
	}
}

func TestGeneratedMarketIsDeterministic(t *testing.T) {
	at := moment(t, friday)
	before := generated("ACME", at)
	assert.Equal(t, before, generated("ACME", at))
	assert.NotEqual(t, before, generated("ACME", at.Add(time.Hour)))
	for range 5000 {
		at = at.Add(time.Minute)
		next := generated("ACME", at)
		assert.True(t, near(before, next, DefaultFactor), "%s then %s", before, next)
		before = next
	}
}

func TestReplayStreams(t *testing.T) {
	s, err := Open("replay", Config{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	count := 0
	err = s.Stream(ctx, []Instrument{{Symbol: "A"}, {Symbol: "B"}}, func(Price) {
		if count++; count == 2 {
			cancel()
		}
	})
	assert.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, 2, count)
}

func TestOpenRefusesAnUnknownSource(t *testing.T) {
	_, err := Open("stooq", Config{})
	assert.EqualError(t, err, `source: got "stooq", want ecb, replay, tiingo, twelvedata`)
	_, err = Open("ecb", Config{URL: "ftp://example.com"})
	assert.Error(t, err)
}

func TestNumber(t *testing.T) {
	for text, want := range map[string]string{"1.10": "1.1", "0.000001": "0.000001", "1e-7": "0.0000001"} {
		d, ok := number(text)
		assert.True(t, ok, text)
		assert.Equal(t, want, d.String())
	}
	for _, text := range []string{"", "N/A", "-1", "0", "NaN", "1e999999999", "1,5", strings.Repeat("9", 41)} {
		_, ok := number(text)
		assert.False(t, ok, text)
	}
}
