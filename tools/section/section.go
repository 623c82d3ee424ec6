// Package section writes the reports of several programs into one file, a section each.
package section

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

// Write puts text, which begins with a heading "# …", into a Markdown file: it replaces
// the section with the same heading or becomes the last one. A section ends at the
// next first-level heading; other sections stay as they are.
func Write(path, text string) error {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, []byte(replace(string(old), text)), 0o644)
}

func replace(file, text string) string {
	heading, _, _ := strings.Cut(text, "\n")
	var parts []string
	found := false
	for part := range strings.SplitSeq("\n"+file, "\n# ") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		part = "# " + part
		if first, _, _ := strings.Cut(part, "\n"); first == heading {
			part, found = strings.TrimSpace(text), true
		}
		parts = append(parts, part)
	}
	if !found {
		parts = append(parts, strings.TrimSpace(text))
	}
	return strings.Join(parts, "\n\n") + "\n"
}
