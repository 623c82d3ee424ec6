package source

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
			_, err := p.open(t, "tiingo", moment(t, friday)).Closes(t.Context(), Instrument{Symbol: "ACME"},
				day(t, "2026-03-02"), day(t, "2026-03-04"))
			assert.Equal(t, c.want, outcomeOf(err), "%v", err)
		})
	}
}
