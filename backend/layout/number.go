package layout

import (
	"regexp"
	"strings"

	"github.com/shopspring/decimal"
)

// maxNumber is the longest text that is read as a number, in bytes.
const maxNumber = 64

var (
	// affix is a currency's sign or code before or after a number.
	affix = regexp.MustCompile(`^(?:[A-Z]{2,3}[pcx]?|[A-Z]{0,3}\p{Sc}|kr\.?|Fr\.)$`)
	// body is a number without sign and currency.
	body = regexp.MustCompile(`^(?:\d[\d.,' ]*|[.,]\d+)(?:[eE][+-]?\d{1,2})?$`)

	spaces = strings.NewReplacer("\u00a0", " ", "\u2007", " ", "\u2009", " ", "\u202f", " ",
		"\u2019", "'", "\u2212", "-")
)

// separators is how a number uses the dot and the comma.
type separators struct {
	decimal   byte // '.' or ','; 0 if the number has neither or is ambiguous
	ambiguous bool // the separator may be a decimal or a thousands separator
}

// splitNumber separates a number from its sign and its currency. It reports
// false for a text that is not a number.
func splitNumber(text string) (digits string, negative, ok bool) {
	if len(text) > maxNumber {
		return "", false, false
	}
	if plain(text) {
		return text, false, true
	}
	text = strings.TrimSpace(spaces.Replace(text))
	if inner, found := strings.CutPrefix(text, "("); found {
		if inner, found = strings.CutSuffix(inner, ")"); !found {
			return "", false, false
		}
		text, negative = inner, true
	}
	for range 3 { // a sign and a currency, in any order
		text = strings.TrimSpace(text)
		switch before := text; {
		case strings.HasPrefix(text, "-"), strings.HasSuffix(text, "-"):
			if negative {
				return "", false, false
			}
			text, negative = strings.TrimSuffix(strings.TrimPrefix(text, "-"), "-"), true
		case strings.HasPrefix(text, "+"):
			text = text[1:]
		default:
			if text = trimCurrency(text); text == before {
				return text, negative, body.MatchString(text)
			}
		}
	}
	return text, negative, body.MatchString(text)
}

// plain reports whether a text is digits with at most one separator among them,
// as most numbers are.
func plain(text string) bool {
	separated := false
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
		case (c == '.' || c == ',') && !separated && i > 0 && i < len(text)-1:
			separated = true
		default:
			return false
		}
	}
	return text != ""
}

// trimCurrency removes the currency at one end of a number.
func trimCurrency(text string) string {
	digit := func(r rune) bool { return r >= '0' && r <= '9' || strings.ContainsRune("-+.,", r) }
	first, last := strings.IndexFunc(text, digit), strings.LastIndexFunc(text, digit)
	switch {
	case first > 0 && affix.MatchString(strings.TrimSpace(text[:first])):
		return text[first:]
	case first == 0 && last < len(text)-1 && affix.MatchString(strings.TrimSpace(text[last+1:])):
		return text[:last+1]
	}
	return text
}

// separatorsOf recognises the decimal separator of a number on its own.
func separatorsOf(digits string) separators {
	mantissa, _, exponent := strings.Cut(strings.ToLower(digits), "e")
	dots, commas := strings.Count(mantissa, "."), strings.Count(mantissa, ",")
	last := strings.LastIndexAny(mantissa, ".,")
	switch {
	case last < 0:
		return separators{}
	case dots > 0 && commas > 0:
		return separators{decimal: mantissa[last]}
	case dots > 1:
		return separators{decimal: ','}
	case commas > 1:
		return separators{decimal: '.'}
	}
	before, after := mantissa[:last], mantissa[last+1:]
	grouped := len(after) == 3 && len(before) >= 1 && len(before) <= 3 && before[0] != '0'
	if exponent || !grouped || strings.ContainsAny(mantissa, "' ") {
		return separators{decimal: mantissa[last]}
	}
	return separators{ambiguous: true}
}

// parseDigits reads what splitNumber returned with a decimal separator. It
// reports false if the thousands are not grouped by threes.
func parseDigits(digits string, separator byte) (decimal.Decimal, bool) {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(digits), "e")
	whole, fraction, found := strings.Cut(mantissa, string(separator))
	if found && strings.ContainsAny(fraction, ".,' ") {
		return decimal.Decimal{}, false
	}
	groups := strings.FieldsFunc(whole, func(r rune) bool { return r < '0' || r > '9' })
	for i, group := range groups {
		if len(groups) > 1 && (i == 0 && len(group) > 3 || i > 0 && len(group) != 3) {
			return decimal.Decimal{}, false
		}
	}
	plain := strings.Join(groups, "")
	if plain == "" {
		plain = "0"
	}
	if fraction != "" {
		plain += "." + fraction
	}
	if exponent != "" {
		plain += "e" + exponent
	}
	d, err := decimal.NewFromString(plain)
	return d, err == nil
}
