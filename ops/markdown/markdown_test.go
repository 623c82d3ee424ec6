package markdown

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCode(t *testing.T) {
	for text, want := range map[string]string{
		"a": "`a`", "a`b": "``a`b``", "`": "`` ` ``", "``a": "``` ``a ```", " a": "`  a `", " ": "` `", "a|b": "`a|b`",
		"a\tb": "`a\\tb`", "\x1b[31mred\x1b[0m": "`\\x1b[31mred\\x1b[0m`", "\x00\a\u009b": "`\\x00\\a\\u009b`", "Zoë €🙂": "`Zoë €🙂`",
		"admin\u202etxt.exe": "`admin\\u202etxt.exe`", "a\u200bb\ufeff\u00a0\u2028c": "`a\\u200bb\\ufeff\\u00a0\\u2028c`",
	} {
		assert.Equal(t, want, Code(text), "%q", text)
	}
}

func TestCell(t *testing.T) {
	for text, want := range map[string]string{
		"a": "`a`", "a|b": "`a\\|b`", "a\nb": "`a`<br>`b`", "a\r\n\r\nb\n": "`a`<br>`b`", "a`|\n<b>": "``a`\\|``<br>`<b>`", "": "(empty)", "\n": "(empty)",
	} {
		assert.Equal(t, want, Cell(text), "%q", text)
	}
}
