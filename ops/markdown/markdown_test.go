package markdown

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCode(t *testing.T) {
	for text, want := range map[string]string{
		"a": "`a`", "a`b": "``a`b``", "`": "`` ` ``", "``a": "``` ``a ```", " a": "`  a `", " ": "` `", "a|b": "`a|b`",
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
