package source

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portfolio/backend"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
	closes, err := s.Closes(t.Context(), Instrument{Symbol: "ACME", MIC: "XETR"}, day(t, "2026-03-05"),
		day(t, "2026-03-06"))
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
