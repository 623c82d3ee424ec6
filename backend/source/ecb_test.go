package source

import (
	"net/http"
	"testing"
	"time"

	"portfolio/backend"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
			rates, err := p.open(t, "ecb", now).Rates(t.Context(), []backend.Currency{"USD"}, day(t, "2026-03-06"),
				day(t, "2026-03-06"))
			assert.Empty(t, rates)
			assert.Equal(t, c.want, outcomeOf(err), "%v", err)
		})
	}
}
