package backend

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxAliases limits the aliases of one instrument.
const MaxAliases = 20

// Instrument describes something that is traded. A symbol may be used without one.
type Instrument struct {
	Symbol     string   `json:"symbol"`
	Name       string   `json:"name"`        // at most 200 characters
	ISIN       string   `json:"isin"`        // "" if it has none
	MIC        string   `json:"mic"`         // of the market, ISO 10383; "" if not known
	Currency   Currency `json:"currency"`    // of its quotes; "" if not known
	AssetClass string   `json:"asset_class"` // one of AssetClasses, or ""
	Sector     string   `json:"sector"`
	Country    string   `json:"country"`    // ISO 3166-1 alpha-2, or ""
	MinorUnit  int      `json:"minor_unit"` // of its quotes in one of the currency: 100 for pence, else 1
	Source     string   `json:"source"`     // asked for its prices; "" for the first that has any
	SourceID   string   `json:"source_id"`  // what the source calls it; "" for the symbol
	Aliases    []string `json:"aliases"`    // other symbols that files use for it
}

// AssetClasses are what an instrument may be.
var AssetClasses = []string{"bond", "commodity", "crypto", "currency", "derivative", "equity", "etf", "fund", "other"}

var (
	isinForm    = regexp.MustCompile(`^[A-Z]{2}[A-Z0-9]{9}[0-9]$`)
	micForm     = regexp.MustCompile(`^[A-Z0-9]{4}$`)
	countryForm = regexp.MustCompile(`^[A-Z]{2}$`)
	sourceIDs   = regexp.MustCompile(`^[!-~]([ -~]{0,62}[!-~])?$`)
)

// Validate reports every problem of the instrument, joined: a FieldError each.
func (i Instrument) Validate() error {
	var p problems
	p.symbol("symbol", i.Symbol)
	optional := func(path, got string, ok func(string) bool, want string) {
		if got != "" && !ok(got) {
			p.add(path, fmt.Sprintf("%.40q", got), want+", or nothing")
		}
	}
	text := func(path, got string, most int) {
		optional(path, got, func(s string) bool {
			return utf8.ValidString(s) && utf8.RuneCountInString(s) <= most && strings.TrimSpace(s) == s &&
				!strings.ContainsFunc(s, control)
		}, fmt.Sprintf("at most %d characters without control characters or outer spaces", most))
	}
	text("name", i.Name, 200)
	text("sector", i.Sector, 100)
	optional("isin", i.ISIN, ValidISIN, "12 characters with the right check digit such as US0378331005")
	optional("mic", i.MIC, micForm.MatchString, "a market of ISO 10383 such as XNAS")
	optional("currency", string(i.Currency), func(s string) bool { return Currency(s).Valid() },
		"a code of ISO 4217 such as EUR")
	optional("asset_class", i.AssetClass, func(s string) bool { return slices.Contains(AssetClasses, s) },
		strings.Join(AssetClasses, ", "))
	optional("country", i.Country, countryForm.MatchString, "a country of ISO 3166 such as DE")
	optional("source_id", i.SourceID, sourceIDs.MatchString, "1–64 printable ASCII characters")
	if i.Source != "" {
		p.source("source", i.Source)
	}
	if i.MinorUnit != 1 && i.MinorUnit != 100 {
		p.add("minor_unit", fmt.Sprint(i.MinorUnit), "1, or 100 for quotes in hundredths such as pence")
	}
	if len(i.Aliases) > MaxAliases {
		p.add("aliases", fmt.Sprint(len(i.Aliases)), fmt.Sprintf("at most %d", MaxAliases))
	}
	for n, alias := range i.Aliases {
		path := fmt.Sprintf("aliases[%d]", n)
		p.symbol(path, alias)
		if alias == i.Symbol || slices.Contains(i.Aliases[:n], alias) {
			p.add(path, fmt.Sprintf("%.40q", alias), "each alias once, and none equal to the symbol")
		}
	}
	return p.err()
}

func control(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }

// ValidISIN reports whether an ISIN has the right form and check digit (ISO 6166): the
// letters count 10 to 35, and the digits of all have to pass the Luhn test.
func ValidISIN(isin string) bool {
	if !isinForm.MatchString(isin) {
		return false
	}
	var digits []int
	for _, r := range isin {
		if n := int(r - '0'); n <= 9 {
			digits = append(digits, n)
			continue
		}
		n := int(r-'A') + 10
		digits = append(digits, n/10, n%10)
	}
	slices.Reverse(digits)
	sum := 0
	for n, d := range digits {
		if n%2 == 1 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return sum%10 == 0
}

// Instruments stores instruments, which all owners share.
type Instruments interface {
	// PutInstrument stores an instrument, in place of an existing one of that symbol, and
	// announces it to all instances. The code is CodeInvalidRequest if an alias is an
	// alias or the symbol of another instrument.
	PutInstrument(ctx context.Context, by Principal, i Instrument, now time.Time) (Instrument, error)
	// GetInstrument returns the instrument of a symbol; CodeNotFound if there is none.
	GetInstrument(ctx context.Context, symbol string) (Instrument, error)
	// ListInstruments returns the instruments whose symbol, alias or ISIN begins with a
	// text or whose name contains it, ignoring case, by symbol; all for "".
	ListInstruments(ctx context.Context, search string, page Page) (list []Instrument, next string, err error)
	// InstrumentsOf returns the known instruments of symbols, by symbol.
	InstrumentsOf(ctx context.Context, symbols []string) (map[string]Instrument, error)
	// SymbolsOf returns the symbols of the instruments that have one of some texts as
	// an alias or as their ISIN, by that text.
	SymbolsOf(ctx context.Context, texts []string) (map[string][]string, error)
}
