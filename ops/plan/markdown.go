package plan

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"portfolio/ops/markdown"
)

// GitHub accepts 65,536 characters as one comment. What is dropped is counted. The
// numbers are bytes, of which a text has at least as many as characters.
const (
	maxMarkdown = 60_000
	maxRemoved  = 10_000 // of the section that is read first
	maxSection  = 5_000
	maxLine     = 2_000
	maxCode     = 300 // characters of one address or value
)

// Markdown returns the card. The same plan always produces the same bytes.
func (c Card) Markdown() string {
	var b strings.Builder
	title := "Plan"
	if c.Compared {
		title = "Two configurations"
	}
	fmt.Fprintf(&b, "## %s: %s\n\n%s\n", title, c.Status, c.summary())
	for _, note := range c.Notes {
		fmt.Fprintf(&b, "\n> %s\n", note)
	}
	if c.Status != Nothing {
		c.sections(&b)
	}
	c.fold(&b)
	return b.String()
}

func (c Card) sections(b *strings.Builder) {
	if len(c.Checks) > 0 {
		section(b, "Failed checks", c.Checks, maxSection)
	}
	section(b, "Replaced and deleted", c.Removed, maxRemoved)
	section(b, "Opens to the internet", c.Internet, maxSection)
	section(b, "IAM that widens", c.IAM, maxSection)
	section(b, "Stateful resources touched", c.Stateful, maxSection)
	section(b, "Downtime to expect", c.Downtime, maxSection)
	section(b, "Security controls", c.Controls, maxSection)
	if len(c.Actions) > 0 {
		section(b, "Actions", c.Actions, maxSection)
	}
	b.WriteString(c.Cost.markdown())
}

func (c Card) summary() string {
	if c.Status == Nothing && c.Compared {
		return "Both describe the same infrastructure."
	}
	if c.Status == Nothing {
		return "The infrastructure is as configured."
	}
	n := c.Counts
	text := fmt.Sprintf("%d to create, %d to update, %d to replace, %d to delete", n[created],
		n[updated], n[replaced], n[deleted])
	if c.Compared {
		text = fmt.Sprintf("%d to create, %d to update or replace, %d to delete", n[created], n[updated], n[deleted])
	}
	for _, v := range []verb{imported, moved, forgotten, read} {
		if n[v] > 0 {
			text += fmt.Sprintf(", %d to %s", n[v], v)
		}
	}
	if n := len(c.Outputs); n > 0 {
		text += fmt.Sprintf(", %s to change", counted(n, "output"))
	}
	if n := len(c.Actions); n > 0 {
		text += fmt.Sprintf(", %s to invoke", counted(n, "action"))
	}
	if n := len(c.Checks); n > 0 {
		text += fmt.Sprintf("; %s failed", counted(n, "check"))
	}
	if c.Status == Dangerous {
		text += ".\n\n**Stateful resources would be replaced or deleted.** Applying it needs an explicit `--accept-dangerous`"
	}
	return text + "."
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func section(b *strings.Builder, title string, findings []Finding, most int) {
	fmt.Fprintf(b, "\n### %s\n\n", title)
	if len(findings) == 0 {
		b.WriteString("Nothing found.\n")
	}
	bounded(b, lines(findings), most)
}

// lines writes findings, the most important first.
func lines(findings []Finding) []string {
	findings = slices.Clone(findings)
	slices.SortStableFunc(findings, func(a, b Finding) int { return cmp.Compare(a.rank, b.rank) })
	var lines []string
	for _, f := range findings {
		lines = append(lines, f.line())
	}
	return lines
}

// bounded writes lines while they fit and counts the rest. A line that is too long is
// cut, so that the first ones are always written.
func bounded(b *strings.Builder, lines []string, most int) {
	end := b.Len() + most
	for i, line := range lines {
		line = cut(line, min(maxLine, most))
		if b.Len()+len(line) > end {
			fmt.Fprintf(b, "- and %d more\n", len(lines)-i)
			return
		}
		b.WriteString(line)
	}
}

// cut shortens a line of Markdown at the end of a word that is in no code span, and
// ends what is bold there.
func cut(line string, most int) string {
	if len(line) <= most {
		return line
	}
	const tail = "…**\n"
	at, bold, boldAt := 0, false, false
	for i := 0; i < len(line) && i <= most-len(tail); {
		switch run := len(line[i:]) - len(strings.TrimLeft(line[i:], "`")); {
		case run > 0:
			end := strings.Index(line[i+run:], line[i:i+run])
			if end < 0 {
				i += run
				continue
			}
			i += run + end + run
		case strings.HasPrefix(line[i:], "**"):
			bold = !bold
			i += 2
		default:
			if line[i] == ' ' {
				at, boldAt = i, bold
			}
			i++
		}
	}
	if boldAt {
		return line[:at] + "…**\n"
	}
	return line[:at] + " …\n"
}

func (f Finding) line() string {
	return fmt.Sprintf("- %s: %s\n", code(f.Address), f.Text)
}

// fold lists the rest, as far as it fits into a comment.
func (c Card) fold(b *strings.Builder) {
	all := lines(append(slices.Clone(c.Drift), c.Rest...))
	for _, name := range c.Outputs {
		all = append(all, fmt.Sprintf("- output %s changes\n", code(name)))
	}
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(b, "\n<details>\n<summary>The rest: %d</summary>\n\n", len(all))
	bounded(b, all, maxMarkdown-b.Len())
	b.WriteString("\n</details>\n")
}

// code returns a code span that nothing in the text can end: addresses and policies
// are written by the author of the change under review.
func code(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if text == "" {
		return "(empty)"
	}
	if runes := []rune(text); len(runes) > maxCode {
		text = string(runes[:maxCode]) + "…"
	}
	return markdown.Code(text)
}

func codes(texts []string) string {
	const most = 12
	var spans []string
	for i, text := range texts {
		if i == most {
			return strings.Join(spans, ", ") + fmt.Sprintf(" and %d more", len(texts)-most)
		}
		spans = append(spans, code(text))
	}
	return strings.Join(spans, ", ")
}

// shown is a value as the card may print it.
func (v value) shown() string {
	switch {
	case v.sensitive:
		return "(sensitive)"
	case v.unknown:
		return "(known after apply)"
	case v.v == nil:
		return "none"
	}
	switch inner := v.v.(type) {
	case map[string]any, []any:
		return "(a structure)"
	case string:
		if isDocument(inner) {
			return "(a structure)"
		}
	}
	return code(fmt.Sprint(v.v))
}

// credentials are those in a URL.
var credentials = regexp.MustCompile(`://[^/\s]*:[^/\s]*@`)

// isDocument reports whether a text has several lines or credentials, is a JSON object or
// array, complete or not, or contains one, or is a JSON string of any of these: its values
// may be secrets, whatever the attribute's name.
func isDocument(text string) bool {
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	begun := (strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[")) && strings.ContainsAny(text, `"'`)
	if begun || strings.ContainsAny(text, "\r\n") || strings.Contains(text, `{"`) || strings.Contains(text, `["`) ||
		credentials.MatchString(text) {
		return true
	}
	var document any
	if json.NewDecoder(strings.NewReader(text)).Decode(&document) != nil {
		return false
	}
	switch inner := document.(type) {
	case map[string]any, []any:
		return true
	case string:
		return isDocument(inner)
	}
	return false
}
