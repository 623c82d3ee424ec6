package setting

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestIsSuffix(t *testing.T) {
	for _, good := range []string{"a", "7", "dev", "pr3522", "a-b-c", strings.Repeat("x", 16)} {
		assert.True(t, IsSuffix(good), "IsSuffix(%q)", good)
	}
	for _, bad := range []string{"", "Dev", "a_b", "-a", "a-", "a--b", "a\n", "\ufeffa", "ä", strings.Repeat("x", 17)} {
		assert.False(t, IsSuffix(bad), "IsSuffix(%q)", bad)
	}
}

func TestProblem(t *testing.T) {
	for got, want := range map[string]string{
		"":               "nothing",
		"moon-1":         "moon-1",
		`say "moon" \o/`: `say "moon" \o/`,
		"Zoë":            "Zoë",
		"a b":            "a b",
		"moon-1\n":       `"moon-1\n"`,
		" moon-1":        `" moon-1"`,
		" ":              `" "`,
		"\ufeffmoon-1":   `"\ufeffmoon-1"`, // byte-order mark
		"moon\u00a01":    `"moon\u00a01"`,  // no-break space
		"moon\u200b-1":   `"moon\u200b-1"`, // zero-width space
		"moon\u034f-1":   `"moon\u034f-1"`, // combining grapheme joiner
		"moon\u3164":     `"moon\u3164"`,   // Hangul filler
		"moon\xff":       `"moon\xff"`,
	} {
		assert.EqualError(t, Problem("AWS_REGION", got, "a region"), "AWS_REGION: got "+want+", want a region")
	}
}

func TestParseSources(t *testing.T) {
	for text, want := range map[string][]string{
		"none": nil, "ecb": {"ecb"}, "ecb, twelvedata": {"ecb", "twelvedata"}, "twelvedata,ecb": {"twelvedata", "ecb"},
	} {
		if got, ok := ParseSources(text); !ok || !slices.Equal(got, want) {
			t.Errorf("ParseSources(%q) = %q, %t, want %q", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "ECB", "ecb,", "ecb,ecb", "ecb,none", "yahoo", "ecb twelvedata"} {
		if got, ok := ParseSources(text); ok {
			t.Errorf("ParseSources(%q) = %q, want it refused", text, got)
		}
	}
}
