package backend

import (
	"slices"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func quote(symbol, price string, c Currency, at time.Time) Quote {
	return Quote{Symbol: symbol, Price: dec(price), Currency: c, Source: "test", Time: at, Received: at}
}

func rate(from, to Currency, value string, at time.Time) Rate {
	return Rate{Pair: Pair{From: from, To: to}, Rate: dec(value), Source: "test", Time: at, Received: at}
}

func TestStale(t *testing.T) {
	for _, test := range []struct {
		now   time.Duration // after the quote
		age   time.Duration
		stale bool
	}{
		{-3 * time.Second, 0, false}, // the feed's clock is ahead
		{0, 0, false},
		{60 * time.Second, 60 * time.Second, false},
		{60*time.Second + 1, 60*time.Second + 1, true},
		{48 * time.Hour, 48 * time.Hour, true},
	} {
		q, r := quote("ACME", "1", "EUR", noon), rate("USD", "EUR", "0.9", noon)
		now := noon.Add(test.now)
		if q.Age(now) != test.age || r.Age(now) != test.age {
			t.Errorf("Age(%s) = %s and %s, want %s", test.now, q.Age(now), r.Age(now), test.age)
		}
		if q.Stale(now) != test.stale || r.Stale(now) != test.stale {
			t.Errorf("Stale(%s) = %t and %t, want %t", test.now, q.Stale(now), r.Stale(now), test.stale)
		}
	}
}

func TestValidateQuotesAndRates(t *testing.T) {
	early := quote("ACME", "1", "EUR", noon)
	early.Time = noon.Add(MaxClockSkew + 1)
	for _, test := range []struct {
		name string
		err  error
		want []string
	}{
		{"a quote", quote("ACME", "0", "EUR", noon).Validate(), nil},
		{"a rate", rate("USD", "EUR", "0.9", noon).Validate(), nil},
		{"no quote", Quote{}.Validate(), []string{"currency", "source", "symbol", "time"}},
		{"no rate", Rate{}.Validate(), []string{"from", "rate", "source", "time", "to"}},
		{"a price below zero", quote("ACME", "-1", "EUR", noon).Validate(), []string{"price"}},
		{"in the future", early.Validate(), []string{"time"}},
		{"never received", Quote{Symbol: "A", Currency: "EUR", Source: "s", Time: noon}.Validate(), []string{"received"}},
		{"a rate to itself", rate("EUR", "EUR", "1", noon).Validate(), []string{"to"}},
		{"a long source", Quote{Symbol: "A", Currency: "EUR", Source: strings.Repeat("s", 65), Time: noon,
			Received: noon}.Validate(), []string{"source"}},
		{"a source of two lines", Quote{Symbol: "A", Currency: "EUR", Source: "a\nb", Time: noon,
			Received: noon}.Validate(), []string{"source"}},
		{"a source that is not UTF-8", Quote{Symbol: "A", Currency: "EUR", Source: "\xff", Time: noon,
			Received: noon}.Validate(), []string{"source"}},
	} {
		if got := paths(test.err); !slices.Equal(got, test.want) {
			t.Errorf("%s: Validate() is about %q, want %q", test.name, got, test.want)
		}
	}
}
