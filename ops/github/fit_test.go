package github

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestOpenBlocks(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"none":                     {"# A\ntext", ""},
		"on the first line":        {"```\ncode", "\n```"},
		"with a language":          {"a\n```go\ncode", "\n```"},
		"four back quotes":         {"````\n```\ncode", "\n````"},
		"tildes":                   {"~~~~\ncode\n~~~", "\n~~~~"},
		"tildes, a back quote":     {"~~~ a`b\ncode", "\n~~~"},
		"closed":                   {"```\ncode\n```", ""},
		"closed by more":           {"```\ncode\n`````  ", ""},
		"not closed by fewer":      {"`````\ncode\n```", "\n`````"},
		"not closed by the other":  {"```\ncode\n~~~", "\n```"},
		"not closed with words":    {"```\ncode\n``` go", "\n```"},
		"indented":                 {"   ```\ncode", "\n```"},
		"too far to be one":        {"    ```\ncode", ""},
		"a code span":              {"```a``` b", ""},
		"lines of Windows":         {"```\r\ncode\r\n```\r\n", ""},
		"a fold":                   {"<details>\n<summary>s</summary>", "\n\n</details>"},
		"a fold with an attribute": {"<details open>\ntext", "\n\n</details>"},
		"in capitals":              {"<DETAILS>\ntext", "\n\n</details>"},
		"two folds":                {"<details>\n<details>\ntext", "\n\n</details>\n\n</details>"},
		"a closed fold":            {"<details>a</details>", ""},
		"a fold in code":           {"```\n<details>", "\n```"},
		"code in a fold":           {"<details>\n\n```\ncode", "\n```\n\n</details>"},
		"another tag":              {"<detailsx>", ""},
		"an end too many":          {"</details>\n<details>", "\n\n</details>"},
		"a comment":                {"<!-- a\n```", "\n-->"},
		"a closed comment":         {"<!-- a -->\n```\ncode", "\n```"},
	} {
		assert.Equal(t, test.want, openBlocks(test.text), name)
	}
}

// Whatever is open where a text is cut is closed, within what GitHub accepts.
func TestFittedClosesWhatItCuts(t *testing.T) {
	code := strings.Repeat("code\n", 20_000)
	for name, test := range map[string]struct{ body, end string }{
		"first line":        {"```\n" + code, "\n```"},
		"four back quotes":  {"````\n```\n" + code, "\n````"},
		"tildes":            {"text\n\n~~~~\n" + code, "\n~~~~"},
		"fold":              {"<details>\n\n" + code, "\n\n</details>"},
		"code in folds":     {"<details open>\n<details>\n\n~~~\n" + code, "\n~~~\n\n</details>\n\n</details>"},
		"a fence of 50,000": {strings.Repeat("`", 50_000) + "\n" + code, ""},
		"only folds":        {strings.Repeat("<details>\n", 10_000), "\n\n</details>"},
		"one long line":     {"```\n" + strings.Repeat("x", 70_000), "x\n```"},
	} {
		got := fitted("plan", test.body, "footer")
		assert.LessOrEqual(t, utf8.RuneCountInString(got), maxBody, name)
		cut, _, found := strings.Cut(got, "\n\n**Cut here: ")
		assert.True(t, found, name)
		assert.True(t, strings.HasSuffix(cut, test.end), "%s: …%q", name, cut[len(cut)-min(40, len(cut)):])
		assert.Empty(t, openBlocks(strings.TrimPrefix(cut, mark("plan"))), name)
	}
}
