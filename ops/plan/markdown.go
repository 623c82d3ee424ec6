package plan

import (
	"fmt"
	"strings"
)

// GitHub takes 65,536 characters as one comment. What is cut is counted.
const (
	maxMarkdown = 60_000
	maxRemoved  = 12_000 // bytes of the section that is read first
	maxSection  = 6_000
	maxCode     = 300 // characters of one address or value
)

// Markdown writes the card. The same plan gives the same bytes.
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
	section(b, "Replaced and deleted", c.Removed, maxRemoved)
	section(b, "Opens to the internet", c.Internet, maxSection)
	section(b, "IAM that widens", c.IAM, maxSection)
	section(b, "Stateful resources touched", c.Stateful, maxSection)
	section(b, "Downtime to expect", c.Downtime, maxSection)
	section(b, "Security controls", c.Controls, maxSection)
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
	text := fmt.Sprintf("%d to create, %d to update, %d to replace, %d to delete", n[created], n[updated], n[replaced], n[deleted])
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
	if c.Status == Dangerous {
		text += ".\n\n**Stateful resources would be replaced or deleted.** It goes on only with an explicit `--accept-dangerous`"
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
	var lines []string
	for _, f := range findings {
		lines = append(lines, f.line())
	}
	bounded(b, lines, most)
}

// bounded writes lines while they fit, and says how many more there are.
func bounded(b *strings.Builder, lines []string, most int) {
	end := b.Len() + most
	for i, line := range lines {
		if b.Len()+len(line) > end {
			fmt.Fprintf(b, "- and %d more\n", len(lines)-i)
			return
		}
		b.WriteString(line)
	}
}

func (f Finding) line() string {
	return fmt.Sprintf("- %s: %s\n", code(f.Address), f.Text)
}

// fold lists what has not been said yet, as far as a comment has room.
func (c Card) fold(b *strings.Builder) {
	var lines []string
	for _, f := range c.Rest {
		lines = append(lines, f.line())
	}
	for _, name := range c.Outputs {
		lines = append(lines, fmt.Sprintf("- output %s changes\n", code(name)))
	}
	for _, f := range c.Drift {
		lines = append(lines, f.line())
	}
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "\n<details>\n<summary>The rest: %d</summary>\n\n", len(lines))
	bounded(b, lines, maxMarkdown-b.Len())
	b.WriteString("\n</details>\n")
}

// code makes a code span that nothing in the text can end: addresses and policies
// come from the change under review.
func code(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if text == "" {
		return "(empty)"
	}
	if runes := []rune(text); len(runes) > maxCode {
		text = string(runes[:maxCode]) + "…"
	}
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if len(fence) > 1 {
		text = " " + text + " "
	}
	return fence + text + fence
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
	switch v.v.(type) {
	case map[string]any, []any:
		return "(a structure)"
	}
	return code(fmt.Sprint(v.v))
}
