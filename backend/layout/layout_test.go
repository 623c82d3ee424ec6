package layout

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portfolio/backend"

	"github.com/sebdah/goldie/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bankMapping is that of testdata/mapping.
var bankMapping = &Mapping{
	Columns: map[string]string{
		"date": "Buchungstag", "kind": "Vorgang", "quantity": "Stück", "price": "Kurs", "amount": "Betrag",
		"currency": "Währung", "symbol": "Papier", "id": "Referenz",
	},
	DateFormat: "DD.MM.YYYY", Decimal: ",", Delimiter: "\t",
	Kinds: map[string]string{"Ankauf": "BUY", "Abgang": "SELL", "Gutschrift": "DEPOSIT"},
}

// Each folder of testdata is a layout, which has to be recognised.
func TestReadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.*")
	require.NoError(t, err)
	seen := map[string]int{}
	for _, file := range files {
		if filepath.Ext(file) == ".golden" {
			continue
		}
		layout := filepath.Base(filepath.Dir(file))
		t.Run(layout+"/"+filepath.Base(file), func(t *testing.T) {
			seen[layout]++
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			o := Options{}
			if layout == "mapping" {
				o.Mapping = bankMapping
			}
			r, err := Read(content, o)
			require.NoError(t, err)
			assert.Equal(t, layout, r.Layout)
			golden := strings.TrimPrefix(file, "testdata/")
			goldie.New(t, goldie.WithFixtureDir("testdata"),
				goldie.WithDiffEngine(goldie.ColoredDiff)).Assert(t, golden, []byte(show(r)))
		})
	}
	for _, name := range Names() {
		assert.Greater(t, seen[name], 1, "files of layout %s", name)
	}
	assert.NotZero(t, seen["mapping"])
}

// show writes a result as people check it.
func show(r Result) string {
	var b strings.Builder
	for _, name := range r.Ignored {
		fmt.Fprintf(&b, "ignored column %s\n", name)
	}
	for _, q := range r.Questions {
		fmt.Fprintf(&b, "question about %s:", q.About)
		for _, c := range q.Choices {
			fmt.Fprintf(&b, " [%s: %s]", c.Value, c.Reading)
		}
		b.WriteByte('\n')
	}
	for _, row := range r.Rows {
		prefix := fmt.Sprintf("row %d: ", row.Row)
		for _, t := range row.Transactions {
			b.WriteString(prefix + brief(t) + "\n")
		}
		for _, p := range row.Problems {
			fmt.Fprintf(&b, "%sproblem in %q: got %s, want %s\n", prefix, p.Column, p.Got, p.Want)
		}
		if row.PartOf > 0 {
			fmt.Fprintf(&b, "%spart of row %d\n", prefix, row.PartOf)
		}
		if row.Skipped != "" {
			fmt.Fprintf(&b, "%sskipped: %s\n", prefix, row.Skipped)
		}
	}
	return b.String()
}

func brief(t Transaction) string {
	parts := []string{strings.TrimSpace(t.Date.String() + " " + t.Time.String()), string(t.Kind)}
	add := func(there bool, format string, values ...any) {
		if there {
			parts = append(parts, fmt.Sprintf(format, values...))
		}
	}
	add(!t.Quantity.IsZero(), "%s @ %s", t.Quantity, t.Price)
	add(!t.Amount.IsZero(), "amount %s", t.Amount)
	add(t.Currency != "", "%s", t.Currency)
	add(t.ToCurrency != "", "to %s %s", t.ToAmount, t.ToCurrency)
	add(t.Ratio != backend.Ratio{}, "%d:%d", t.Ratio.New, t.Ratio.Old)
	add(t.Symbol != "", "of %s", t.Symbol)
	add(t.ISIN != "" && t.ISIN != t.Symbol, "(%s)", t.ISIN)
	add(t.Name != "", "%q", t.Name)
	add(!t.Fee.IsZero(), "fee %s %s", t.Fee, t.FeeCurrency)
	add(!t.Tax.IsZero(), "tax %s", t.Tax)
	add(t.BrokerID != "", "id %s", t.BrokerID)
	add(t.Order != "", "order %s", t.Order)
	add(t.Note != "", "note %q", t.Note)
	return strings.Join(parts, " ")
}
