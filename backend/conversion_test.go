package backend

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func convertedAt(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return at
}

// convertAll converts by rates that are all stale; the last of each pair counts.
func convertAll(rates []Rate, pair Pair) (Converted, bool) {
	newest := map[Pair]Rate{}
	for _, r := range rates {
		newest[r.Pair] = r
	}
	c := converter{
		published: func(p Pair) (Rate, bool) { r, found := newest[p]; return r, found && r.Rate.IsPositive() },
		stale:     func(Rate) bool { return true },
		through:   currenciesOf(newest),
	}
	return c.convert(pair)
}

func published(from, to Currency, value, at string, t *testing.T) Rate {
	return Rate{Pair: Pair{From: from, To: to}, Rate: decimal.RequireFromString(value),
		Time: convertedAt(t, at), Source: "ecb"}
}

func TestConvert(t *testing.T) {
	rates := []Rate{
		published("EUR", "USD", "1.25", "2026-03-05T15:00:00Z", t),
		published("EUR", "USD", "1.20", "2026-03-06T15:00:00Z", t),
		published("EUR", "JPY", "160", "2026-03-06T15:00:00Z", t),
		published("GBP", "EUR", "1.15", "2026-03-06T15:00:00Z", t),
		published("EUR", "CHF", "0", "2026-03-06T15:00:00Z", t),
	}
	for _, c := range []struct {
		from, to Currency
		want     string
		legs     []string
	}{
		{"EUR", "USD", "1.2", []string{"EURUSD"}},
		{"USD", "EUR", "0.833333333333333333", []string{"EURUSD"}},
		{"USD", "JPY", "133.333333333333333333", []string{"EURUSD", "EURJPY"}},
		{"JPY", "USD", "0.0075", []string{"EURJPY", "EURUSD"}},
		{"GBP", "USD", "1.38", []string{"GBPEUR", "EURUSD"}},
		{"USD", "GBP", "0.724637681159420290", []string{"EURUSD", "GBPEUR"}},
	} {
		got, found := convertAll(rates, Pair{From: c.from, To: c.to})
		require.True(t, found, "%+v", c)
		assert.True(t, decimal.RequireFromString(c.want).Equal(got.Rate), "%s%s = %s, want %s",
			c.from, c.to, got.Rate, c.want)
		var legs []string
		for _, l := range got.Legs {
			legs = append(legs, string(l.From+l.To))
		}
		assert.Equal(t, c.legs, legs)
	}
	for _, pair := range []Pair{{From: "EUR", To: "CHF"}, {From: "USD", To: "SEK"}, {From: "SEK", To: "USD"}} {
		_, found := convertAll(rates, pair)
		assert.False(t, found, "%+v", pair)
	}
}

// The newer of a rate and its inverse is used, and the cross whose older leg is newer.
func TestConvertPrefersTheNewest(t *testing.T) {
	c, _ := convertAll([]Rate{
		published("EUR", "USD", "1.2", "2026-03-05T15:00:00Z", t),
		published("USD", "EUR", "0.8", "2026-03-06T15:00:00Z", t),
	}, Pair{From: "EUR", To: "USD"})
	assert.Equal(t, "1.25", c.Rate.String())
	c, _ = convertAll([]Rate{
		published("EUR", "USD", "1.2", "2026-03-01T15:00:00Z", t),
		published("EUR", "JPY", "160", "2026-03-06T15:00:00Z", t),
		published("GBP", "USD", "1.4", "2026-03-05T15:00:00Z", t),
		published("GBP", "JPY", "210", "2026-03-05T15:00:00Z", t),
	}, Pair{From: "USD", To: "JPY"})
	assert.Equal(t, "150", c.Rate.String())
}
