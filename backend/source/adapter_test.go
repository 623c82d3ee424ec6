package source

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"portfolio/backend"

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
		texts = append(texts, fmt.Sprintf("%s %s %s %s, fresh until %s", p.Symbol, p.Price, p.Currency,
			p.Time.Format(time.RFC3339), p.FreshUntil.UTC().Format(time.RFC3339)))
	}
	return texts
}

func ratesOf(list []Rate) []string {
	texts := []string{}
	for _, r := range list {
		texts = append(texts, fmt.Sprintf("%s%s %s %s, fresh until %s", r.From, r.To, r.Rate, r.Time.Format(time.RFC3339),
			r.FreshUntil.UTC().Format(time.RFC3339)))
	}
	return texts
}

func outcomeOf(err error) Outcome {
	if e := (*Error)(nil); errors.As(err, &e) {
		return e.Outcome
	}
	return ""
}

// short announces a longer body than it sends.
func short(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = w.Write([]byte("<gesmes"))
}

func TestRetryAfterIsKept(t *testing.T) {
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
			[]string{got[0].Price.String() + " " + string(got[0].Currency),
				closes[0].Price.String() + " " + string(closes[0].Currency)}, code)
		if code != "GBP" { // pounds stay pounds where the instrument does not say otherwise
			continue
		}
		tiingo := p.open(t, "tiingo", moment(t, friday))
		closes, err = tiingo.Closes(t.Context(), i, day(t, "2026-03-05"), day(t, "2026-03-05"))
		require.NoError(t, err)
		assert.Equal(t, "8.1015", closes[0].Price.String())
		actions, err := tiingo.Actions(t.Context(), i, day(t, "2026-03-05"), day(t, "2026-03-05"))
		require.NoError(t, err)
		assert.Equal(t, []any{"0.071", backend.Currency("GBP")},
			[]any{actions[0].Entry.Amount.String(), actions[0].Entry.Currency})
		i.MinorUnit = 1
		got, err = s.Latest(t.Context(), []Instrument{i})
		require.NoError(t, err)
		assert.Equal(t, "812.35", got[0].Price.String())
	}
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
