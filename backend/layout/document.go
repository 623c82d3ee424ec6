package layout

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

type form string

const (
	csvForm  form = "CSV"
	jsonForm form = "JSON"
	xmlForm  form = "XML"
)

// headerLines is how many lines may precede the header: titles, account numbers.
const headerLines = 20

// document is a decoded file.
type document struct {
	form  form
	text  string
	lines []line // of CSV
}

// line is a record of a CSV file.
type line struct {
	number int // of its first line in the file
	cells  []string
	err    error
}

// delimiters are those that files use, the more usual first.
var delimiters = []rune{',', ';', '\t', '|'}

// separatorLine is what spreadsheets write before the header to name the delimiter.
var separatorLine = regexp.MustCompile(`^"?sep=(.)"?\r?\n`)

func newDocument(text string, m *Mapping) (*document, error) {
	d := &document{form: csvForm, text: text}
	switch start := strings.TrimSpace(text)[0]; {
	case m == nil && (start == '{' || start == '['):
		d.form = jsonForm
		return d, nil
	case m == nil && start == '<':
		d.form = xmlForm
		return d, nil
	}
	delimiter, skipped := rune(0), 0
	if found := separatorLine.FindStringSubmatch(text); found != nil {
		delimiter, skipped = []rune(found[1])[0], 1
		text = text[len(found[0]):]
	}
	if m != nil && m.Delimiter != "" {
		delimiter = []rune(m.Delimiter)[0]
	}
	if delimiter == 0 {
		delimiter = widest(text)
	}
	if !slices.Contains(delimiters, delimiter) {
		return nil, fileError(fmt.Sprintf("the delimiter %q", delimiter), `",", ";", a tab or "|"`)
	}
	d.lines = readLines(text, delimiter, skipped, maxLines+1)
	if len(d.lines) > maxLines {
		return nil, fileError("too many lines", fmt.Sprintf("at most %d", maxLines))
	}
	for _, l := range d.lines {
		if len(l.cells) > maxColumns {
			return nil, fileError(fmt.Sprintf("%d columns in line %d", len(l.cells), l.number),
				fmt.Sprintf("at most %d", maxColumns))
		}
	}
	return d, nil
}

// widest returns the delimiter that splits one of the first lines into the most
// cells: no title has as many as the header.
func widest(text string) rune {
	best, most := delimiters[0], 0
	for _, delimiter := range delimiters {
		for _, l := range readLines(text, delimiter, 0, headerLines) {
			if len(l.cells) > most {
				best, most = delimiter, len(l.cells)
			}
		}
	}
	return best
}

// readLines reads records; a malformed one is returned with its error.
func readLines(text string, delimiter rune, skipped, limit int) []line {
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord = delimiter, -1
	var lines []line
	for len(lines) < limit {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if parse := (*csv.ParseError)(nil); errors.As(err, &parse) {
			lines = append(lines, line{number: parse.StartLine + skipped, err: parse.Err})
			continue
		}
		number, _ := r.FieldPos(0)
		lines = append(lines, line{number: number + skipped, cells: cells})
	}
	return lines
}

// blank reports whether a line contains only delimiters and spaces.
func (l line) blank() bool {
	return l.err == nil && !slices.ContainsFunc(l.cells, func(c string) bool { return strings.TrimSpace(c) != "" })
}
