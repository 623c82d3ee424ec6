// Package setting is the contract on the settings that the infrastructure passes to the
// service and to the WebSocket handler: the forms that both sides check, and how an
// invalid setting is reported.
package setting

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// SuffixForm describes a valid suffix in words, for Problem.
const SuffixForm = "1–16 of a–z, 0–9 and single inner hyphens"

var suffixPattern = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,14}[a-z0-9])?$`)

// IsSuffix reports whether text can be an environment's suffix, with which the names of
// its resources end. RDS refuses two hyphens in a row in an identifier.
func IsSuffix(text string) bool {
	return suffixPattern.MatchString(text) && !strings.Contains(text, "--")
}

// NoSources is the value of QUOTE_SOURCES with which no source of prices is asked.
const NoSources = "none"

// QuoteSources are the sources of prices that QUOTE_SOURCES may name.
var QuoteSources = []string{"ecb", "replay", "tiingo", "twelvedata"}

// SourcesForm describes a valid QUOTE_SOURCES in words, for Problem.
var SourcesForm = NoSources + ", or some of " + strings.Join(QuoteSources, ", ") + ", separated by commas"

// ParseSources returns the names in the value of QUOTE_SOURCES, in their order, and
// whether each is a known one that appears once.
func ParseSources(text string) (names []string, ok bool) {
	if text == NoSources {
		return nil, true
	}
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		if !slices.Contains(QuoteSources, name) || slices.Contains(names, name) {
			return nil, false
		}
		names = append(names, name)
	}
	return names, true
}

// Problem returns the error for a setting with an invalid value, in one line: what was
// got and what is wanted. An empty value is shown as "nothing"; one with characters
// that break the line or are invisible is quoted.
func Problem(name, got, want string) error {
	switch {
	case got == "":
		got = "nothing"
	case strings.TrimSpace(got) != got || !utf8.ValidString(got) || strings.ContainsFunc(got, invisible):
		got = strconv.QuoteToASCII(got)
	}
	return fmt.Errorf("%s: got %s, want %s", name, got, want)
}

func invisible(r rune) bool {
	return !unicode.IsPrint(r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
