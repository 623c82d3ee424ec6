// Package markdown quotes untrusted texts for Markdown, so that they cannot break out of
// their code span or cell.
package markdown

import (
	"strconv"
	"strings"
	"unicode"
)

// visible writes characters that cannot be seen as Go escapes them: control characters,
// which a terminal obeys, and marks that change the direction of a text or hide in it.
func visible(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r == '\n' || r == '\r' || unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}

// Code returns a code span of one line that shows the text as it is.
func Code(text string) string {
	text = visible(text)
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	edges := strings.Trim(text, " `") != text
	if edges && strings.Trim(text, " ") != "" { // one space at each end is not shown
		text = " " + text + " "
	}
	return fence + text + fence
}

// Cell returns a text as the cell of a table, one code span for each line.
func Cell(text string) string {
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
	for i, line := range lines {
		lines[i] = strings.ReplaceAll(Code(line), "|", `\|`)
	}
	if len(lines) == 0 {
		return "(empty)"
	}
	return strings.Join(lines, "<br>")
}
