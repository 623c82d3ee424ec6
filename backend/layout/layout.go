// Package layout reads the files that brokers and portfolio trackers export. It
// recognises the layout of a file, reads each row into the transactions it
// stands for, and asks about what can be read in more than one way.
package layout

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"portfolio/backend"
)

// Limits of a file.
const (
	MaxBytes   = 8 << 20           // as uploaded
	MaxRows    = backend.MaxImport // that are not empty
	maxColumns = 250
	maxLines   = 4 * MaxRows // blank lines and totals included
)

// Layout is the format of the files that one program writes.
type Layout interface {
	// Name returns the name by which a request selects the layout.
	Name() string
	// Match returns how many parts of the document the layout knows, and 0 if
	// the document is in another layout. The highest number wins.
	Match(d *document) int
	// Read reads every row of the document.
	Read(d *document, in *reader)
}

// layouts are all layouts. Of two that match equally well the first wins.
var layouts = []Layout{
	own,
	ghostfolioCSV,
	ghostfolioJSON{},
	flexCSV,
	flexXML{},
	trading212,
	degiro,
	performance,
	schwab,
	yahoo,
}

// Names returns the names of all layouts.
func Names() []string {
	names := make([]string, len(layouts))
	for i, l := range layouts {
		names[i] = l.Name()
	}
	return names
}

// Options are what is known about a file besides its content. The zero value
// leaves everything to be recognised.
type Options struct {
	Layout     string   // one of Names; "" to recognise it
	Mapping    *Mapping // for a CSV file in no known layout; excludes Layout
	Decimal    string   // the decimal separator, "." or ","
	DateFormat string   // such as "DD/MM/YYYY"; its order of day, month and year counts
	TimeZone   *time.Location
	// Portfolio is the time zone that transactions are recorded in. Nil is UTC.
	Portfolio *time.Location
}

// Result is the content of a file.
type Result struct {
	Layout    string     `json:"layout"`          // "" if it was not recognised
	Ignored   []string   `json:"ignored_columns"` // columns that the layout does not know
	Questions []Question `json:"questions"`
	Rows      []Row      `json:"rows"`
}

// Question is something that can be read in more than one way.
type Question struct {
	About   string   `json:"about"` // the option that answers it: layout, mapping, decimal, date_format or time_zone
	Choices []Choice `json:"choices"`
}

// Choice is one answer to a question.
type Choice struct {
	Value   string `json:"value"`   // what the option has to be
	Reading string `json:"reading"` // what a value of the file means then
}

// Row is a row of the file with its transactions.
type Row struct {
	// Row is its first line in a CSV file, which starts at 1, or its position in JSON and XML.
	Row          int           `json:"row"`
	Transactions []Transaction `json:"transactions"`
	Problems     []Problem     `json:"problems"`
	// PartOf is the row whose transaction includes this one, such as the order
	// that a fee was charged for. 0 for none.
	PartOf int `json:"part_of,omitempty"`
	// Skipped is why the row has no transactions although nothing is wrong with it.
	Skipped string `json:"skipped,omitempty"`
}

// Problem is what is wrong with a row.
type Problem struct {
	Column string `json:"column"` // as the file names it; "" for the row as a whole
	Got    string `json:"got"`
	Want   string `json:"want"`
}

// Read reads a file. Its error is a *backend.FieldError if the file as a whole
// cannot be read or an option is not valid. What is wrong with a single row is
// in the result.
func Read(file []byte, o Options) (Result, error) {
	in, err := newReader(o)
	if err != nil {
		return Result{}, err
	}
	text, err := decode(file)
	if err != nil {
		return Result{}, err
	}
	d, err := newDocument(text, o.Mapping)
	if err != nil {
		return Result{}, err
	}
	l, question, err := choose(d, o)
	if err != nil {
		return Result{}, err
	}
	if l == nil {
		return Result{Questions: []Question{question}, Rows: []Row{}, Ignored: []string{}}, nil
	}
	if t, ok := l.(*table); ok {
		in.useDefaults(t.decimal, t.order, t.zone)
	}
	if !in.certain() {
		in.survey = &survey{}
		l.Read(d, in)
		in.conclude()
	}
	l.Read(d, in)
	if in.tooMany {
		return Result{}, fileError("too many rows", fmt.Sprintf("at most %d", MaxRows))
	}
	if len(in.rows) == 0 {
		return Result{}, fileError("no rows", "one or more")
	}
	return in.result(l.Name()), nil
}

// choose returns the layout of a document, or nil and a question.
func choose(d *document, o Options) (Layout, Question, error) {
	if o.Mapping != nil {
		l, err := o.Mapping.layout(d)
		return l, Question{}, err
	}
	if o.Layout != "" {
		i := slices.IndexFunc(layouts, func(l Layout) bool { return l.Name() == o.Layout })
		if i < 0 {
			return nil, Question{}, &backend.FieldError{
				Path: "layout", Got: fmt.Sprintf("%.40q", o.Layout), Want: strings.Join(Names(), ", "),
			}
		}
		if layouts[i].Match(d) == 0 {
			return nil, Question{}, fileError("no header of the layout "+o.Layout, wanted(layouts[i]))
		}
		return layouts[i], Question{}, nil
	}
	best, most := Layout(nil), 0
	for _, l := range layouts {
		if n := l.Match(d); n > most {
			best, most = l, n
		}
	}
	if best != nil {
		return best, Question{}, nil
	}
	if d.form != csvForm {
		return nil, Question{}, fileError(string(d.form)+" in no known layout",
			"a file of "+strings.Join(Names(), ", "))
	}
	return nil, mappingQuestion(d), nil
}

// wanted describes the files of a layout.
func wanted(l Layout) string {
	if t, ok := l.(*table); ok {
		return "the columns " + strings.Join(t.firstNames(), ", ")
	}
	return "a file that " + l.Name() + " exports"
}

func fileError(got, want string) error {
	return &backend.FieldError{Path: "file", Got: got, Want: want}
}
