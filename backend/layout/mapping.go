package layout

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"portfolio/backend"
)

// Limits of a mapping.
const (
	maxMapped = 100 // columns, and as many kinds
	maxWord   = 200 // characters of a column's name or of a word for a kind
)

// Mapping describes CSV files in a layout of their own.
type Mapping struct {
	// Columns are the names of the file's columns by field ("date": "Datum"), or
	// the fields by the names of the columns ("Datum": "date").
	Columns    map[string]string `json:"columns"`
	DateFormat string            `json:"date_format,omitempty"` // such as "DD.MM.YYYY"
	Decimal    string            `json:"decimal,omitempty"`     // "." or ","
	Delimiter  string            `json:"delimiter,omitempty"`   // ",", ";", a tab or "|"
	// Kinds are the kinds by the file's words for them ("Kauf": "BUY"). A word that
	// is a kind itself need not be listed.
	Kinds map[string]string `json:"kinds,omitempty"`
}

// Validate reports everything that is wrong with a mapping, joined: a
// *backend.FieldError each.
func (m Mapping) Validate() error {
	var problems fieldProblems
	byField := m.byField()
	fields := map[string]bool{}
	if len(m.Columns) == 0 || len(m.Columns) > maxMapped {
		problems.add("columns", fmt.Sprintf("%d", len(m.Columns)), fmt.Sprintf("1–%d columns by field", maxMapped))
	}
	for _, key := range slices.Sorted(maps.Keys(m.Columns)) {
		field, column := key, m.Columns[key]
		if !byField {
			field, column = column, field
		}
		if _, known := own.columns[field]; !known {
			problems.add("columns."+clip(key), quoted(field),
				"one of "+strings.Join(slices.Sorted(maps.Keys(own.columns)), ", "))
		}
		if fields[field] {
			problems.add("columns."+clip(key), "a second column for "+field, "one column per field")
		}
		if strings.TrimSpace(column) == "" || utf8.RuneCountInString(column) > maxWord {
			problems.add("columns."+clip(key), quoted(column),
				fmt.Sprintf("the name of a column, 1–%d characters", maxWord))
		}
		fields[field] = true
	}
	for _, field := range []string{"date", "currency"} {
		if !fields[field] && len(m.Columns) > 0 {
			problems.add("columns", "no column for "+field, "one")
		}
	}
	if !fields["kind"] && !fields["quantity"] && len(m.Columns) > 0 {
		problems.add("columns", "no column for kind or quantity", "one of them")
	}
	m.validateWords(&problems)
	return problems.err()
}

func (m Mapping) validateWords(problems *fieldProblems) {
	if len(m.Kinds) > maxMapped {
		problems.add("kinds", fmt.Sprintf("%d", len(m.Kinds)), fmt.Sprintf("at most %d", maxMapped))
	}
	for _, word := range slices.Sorted(maps.Keys(m.Kinds)) {
		if kind := m.Kinds[word]; !slices.Contains(backend.Kinds, backend.Kind(kind)) {
			problems.add("kinds."+clip(word), quoted(kind), "one of "+listed(ownKinds)+" in capitals")
		}
		if normal(word) == "" || utf8.RuneCountInString(word) > maxWord {
			problems.add("kinds."+clip(word), quoted(word), fmt.Sprintf("a word of 1–%d characters", maxWord))
		}
	}
	if m.Decimal != "" {
		problems.join(checkDecimal(m.Decimal))
	}
	if m.DateFormat != "" {
		_, err := parseDateFormat(m.DateFormat)
		problems.join(err)
	}
	if m.Delimiter != "" && !slices.Contains(delimiters, []rune(m.Delimiter)[0]) || len(m.Delimiter) > 1 {
		problems.add("delimiter", quoted(m.Delimiter), `",", ";", a tab or "|"`)
	}
}

// layout returns the mapping as a layout, which has to match the document.
func (m Mapping) layout(d *document) (Layout, error) {
	t := &table{name: "mapping", columns: map[string][]string{}}
	byField := m.byField()
	for field, column := range m.Columns {
		if !byField {
			field, column = column, field
		}
		t.columns[field] = []string{normal(column)}
		t.required = append(t.required, field)
	}
	slices.Sort(t.required)
	words := maps.Clone(ownKinds)
	for word, kind := range m.Kinds {
		words[normal(word)] = backend.Kind(kind)
	}
	t.row = func(r *record) []Transaction { return general(r, words, func(s string) string { return s }) }
	if t.indexed().Match(d) > 0 {
		return t, nil
	}
	var missing []string
	names := []string{}
	for _, name := range d.lines[headerLine(d)].cells {
		names = append(names, normal(name))
	}
	for _, field := range t.required {
		if column := t.columns[field][0]; !slices.Contains(names, column) {
			missing = append(missing, column)
		}
	}
	return nil, fileError("no header with "+strings.Join(missing, ", "),
		"the columns of the mapping in one of the first lines")
}

// byField reports whether the keys of the columns are fields, not the values.
func (m Mapping) byField() bool {
	keys, values := 0, 0
	for key, value := range m.Columns {
		if _, known := own.columns[key]; known {
			keys++
		}
		if _, known := own.columns[value]; known {
			values++
		}
	}
	return keys >= values
}

func clip(text string) string { return fmt.Sprintf("%.40s", text) }
