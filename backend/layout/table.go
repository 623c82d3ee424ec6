package layout

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// table is a layout of CSV files: which columns there are, how values are
// written, and what a row becomes.
type table struct {
	name string
	// columns are the names that the columns have in the languages and the years
	// of the files, in lower case, by what they hold. Those under "" are known
	// and hold nothing that is needed.
	columns  map[string][]string
	required []string // of columns, without which a file is in another layout
	// inHeader are columns whose header may name a currency: "Total (EUR)".
	inHeader []string
	// unnamed takes the columns without a name in their order.
	unnamed []string

	decimal byte  // that the program always writes, 0 if it depends on the user
	order   order // likewise
	zone    *time.Location

	// row reads one row. Nil transactions without a problem are a row that
	// another one includes, or that was skipped.
	row func(r *record) []Transaction
	// finish joins rows that belong together; nil where none do.
	finish func(rows []*record)

	index map[string]string // what the columns hold, by name
}

// indexed completes a table.
func (t *table) indexed() *table {
	t.index = map[string]string{}
	for key, names := range t.columns {
		for _, name := range names {
			t.index[name] = key
		}
	}
	return t
}

// header is the line that names the columns.
type header struct {
	at      map[string]int // index of each known column
	names   []string       // as the file writes them
	money   map[string]string
	unknown []string
}

// record is one row of a document on its way to becoming transactions.
type record struct {
	*header
	in     *reader
	number int
	cells  []string

	Row
	tag string // free for the layout, to recognise the row in finish
}

func (t *table) Name() string { return t.name }

// Match counts the columns of the best header in the document.
func (t *table) Match(d *document) int {
	_, h := t.find(d)
	if h == nil {
		return 0
	}
	return len(h.at)
}

// find returns the index of the header line and the header, nil if there is none.
func (t *table) find(d *document) (int, *header) {
	for i, l := range d.lines[:min(len(d.lines), headerLines)] {
		if h := t.header(l.cells); h != nil {
			return i, h
		}
	}
	return 0, nil
}

// header reads a line as a header. It returns nil if the line lacks required columns.
func (t *table) header(cells []string) *header {
	h := &header{at: map[string]int{}, names: cells, money: map[string]string{}}
	unnamed := t.unnamed
	for i, cell := range cells {
		name := normal(cell)
		if name == "" {
			if len(unnamed) > 0 {
				h.at[unnamed[0]], unnamed = i, unnamed[1:]
			}
			continue
		}
		key, currency, found := t.column(name)
		if !found {
			h.unknown = append(h.unknown, strings.TrimSpace(cell))
			continue
		}
		if _, twice := h.at[key]; key != "" && !twice {
			h.at[key], h.money[key] = i, currency
		}
	}
	for _, key := range t.required {
		if _, found := h.at[key]; !found {
			return nil
		}
	}
	return h
}

// column returns what a column of that name holds.
func (t *table) column(name string) (key, currency string, found bool) {
	if key, found = t.index[name]; found {
		return key, "", true
	}
	if before, code, found := cutCurrency(name); found {
		if key, found = t.index[before]; found && slices.Contains(t.inHeader, key) {
			return key, strings.ToUpper(code), true
		}
	}
	return "", "", false
}

// cutCurrency separates the currency at the end of a name such as "fee (eur)". A cell may have
// megabytes, for which a regular expression would take seconds.
func cutCurrency(name string) (before, code string, found bool) {
	rest, closed := strings.CutSuffix(name, ")")
	i := len(rest) - len(" (eur")
	if !closed || i < 1 || rest[i:i+2] != " (" {
		return "", "", false
	}
	code = rest[i+2:]
	return rest[:i], code, !strings.ContainsFunc(code, func(r rune) bool { return r < 'a' || r > 'z' })
}

// firstNames are the usual names of the required columns.
func (t *table) firstNames() []string {
	var names []string
	for _, key := range t.required {
		names = append(names, t.columns[key][0])
	}
	return names
}

// normal is the form in which names of columns are compared.
func normal(name string) string {
	return strings.Join(strings.Fields(strings.ToLower(spaces.Replace(name))), " ")
}

// Read reads every line below the header.
func (t *table) Read(d *document, in *reader) {
	at, h := t.find(d)
	in.ignored = h.unknown
	var rows []*record
	for _, l := range d.lines[at+1:] {
		if len(l.cells) > 0 && strings.EqualFold(l.cells[0], h.names[0]) {
			if again := t.header(l.cells); again != nil { // of the next section, or of a file appended
				h = again
				continue
			}
		}
		if r := t.line(h, l, in); r != nil {
			rows = append(rows, r)
		}
	}
	if t.finish != nil {
		t.finish(rows)
	}
	for _, r := range rows {
		if !in.add(r.Row) {
			return
		}
	}
}

// useDefaults sets how a layout writes values, unless the request says otherwise.
func (in *reader) useDefaults(decimal byte, o order, zone *time.Location) {
	if in.decimal == 0 {
		in.decimal = decimal
	}
	if in.order == anyOrder {
		in.order = o
	}
	if in.zone == nil {
		in.zone = zone
	}
}

// totals are the first words of lines that sum up the ones before.
var totals = regexp.MustCompile(`^(?i)(?:transactions |grand |sub)?(?:totals?|totaal|totale|summe|gesamt|somme|suma|sum)\b`)

// line reads one line. It returns nil for one that holds nothing.
func (t *table) line(h *header, l line, in *reader) *record {
	r := &record{header: h, in: in, number: l.number, cells: l.cells, Row: Row{Row: l.number}}
	switch {
	case l.err != nil:
		r.problem("", "a malformed row ("+l.err.Error()+")", "fields as RFC 4180 quotes them")
		return r
	case l.blank():
		return nil
	case slices.ContainsFunc(l.cells, func(c string) bool { return !utf8.ValidString(c) }):
		r.problem("", "invalid characters", "UTF-8, UTF-16 or Windows-1252")
		return r
	}
	first := slices.IndexFunc(l.cells, func(c string) bool { return strings.TrimSpace(c) != "" })
	if totals.MatchString(strings.TrimSpace(l.cells[first])) {
		return nil
	}
	for i, cell := range l.cells {
		if i >= len(h.names) && strings.TrimSpace(cell) != "" {
			r.problem("", fmt.Sprintf("%d fields", len(l.cells)), fmt.Sprintf("%d as in the header", len(h.names)))
			return r
		}
	}
	r.Transactions = t.row(r)
	r.check()
	return r
}

// check validates what the row became. A row with a problem becomes nothing.
func (r *record) check() {
	if len(r.Problems) == 0 {
		for i := range r.Transactions {
			r.validate(&r.Transactions[i])
		}
	}
	if len(r.Problems) > 0 {
		r.Transactions = nil
	}
}

// validate reports what the domain refuses, by the names of the file's columns.
func (r *record) validate(t *Transaction) {
	if t.Kind == tax || t.Kind == exchange {
		return // until the row that it belongs to is known
	}
	for _, err := range fieldErrors(t.Validate()) {
		r.problem(r.columnOf(err.Path), err.Got, err.Want)
	}
}

// columnOf returns the file's name of the column that a field was read from. One
// without a name goes by that of the column before it.
func (r *record) columnOf(field string) string {
	i, found := r.at[field]
	if !found || i >= len(r.names) {
		return field
	}
	for i > 0 && strings.TrimSpace(r.names[i]) == "" {
		i--
	}
	return strings.TrimSpace(r.names[i])
}
