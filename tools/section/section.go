// Package section lets several programs write their reports into one file.
package section

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

// Write puts text, which begins with its heading "# …", into a Markdown file: in
// place of the section with this heading, or behind all others. Sections end where
// the next heading of the first level begins; the others stay as they are.
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
