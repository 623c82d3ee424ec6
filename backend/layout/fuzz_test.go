package layout

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/shopspring/decimal"
)

// FuzzRead checks that every file is read or refused with an error, and that a row is
// either read or has a problem.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.[cjx]*")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, o := range []Options{{}, {Mapping: bankMapping}} {
			r, err := Read(file, o)
			if err != nil {
				continue
			}
			for _, row := range r.Rows {
				if len(row.Transactions) > 0 && len(row.Problems) > 0 {
					t.Fatalf("row %d has both: %+v", row.Row, row)
				}
			}
			Duplicates(r.Layout, r.Rows, nil)
		}
	})
}

// FuzzNumber checks that numbers that are read are bounded.
func FuzzNumber(f *testing.F) {
	for _, text := range []string{"1,234.50", "(1.50)", "1e-7", "12,50 €", "1'234"} {
		f.Add(text)
	}
	limit := decimal.New(1, 200)
	f.Fuzz(func(t *testing.T, text string) {
		d, want := (&reader{survey: &survey{}}).number(text)
		if want == "" && d.Abs().GreaterThan(limit) {
			t.Fatalf("number(%q) = %s", text, d)
		}
	})
}
