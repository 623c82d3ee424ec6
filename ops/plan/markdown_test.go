package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The plan of a fork is not trusted: it must not leave its code span.
func TestCode(t *testing.T) {
	for text, want := range map[string]string{
		"aws_vpc.a":              "`aws_vpc.a`",
		`aws_vpc.a["x|y"]`:       "`aws_vpc.a[\"x|y\"]`",
		"a`b":                    "``a`b``",
		"a``b`c":                 "```a``b`c```",
		"a\n\n# b":               "`a # b`",
		"":                       "(empty)",
		strings.Repeat("ä", 301): "`" + strings.Repeat("ä", 300) + "…`",
		"</details> @someone":    "`</details> @someone`",
	} {
		assert.Equal(t, want, code(text), "code(%q)", text)
	}
}

func TestCodesAreBounded(t *testing.T) {
	var many []string
	for i := range 15 {
		many = append(many, fmt.Sprint(i))
	}
	assert.Equal(t, "`0`, `1`, `2`, `3`, `4`, `5`, `6`, `7`, `8`, `9`, `10`, `11` and 3 more", codes(many))
}

func TestCostTableKeepsItsCells(t *testing.T) {
	c := ruleTest{kind: "aws_eip", after: `{}`}.change(t)
	c.address = `aws_eip.it["a|b"]`
	assert.Contains(t, costOf([]change{c}, "").markdown(), "| `aws_eip.it[\"a\\|b\"]` | 0.00 | 3.65 |\n")
}
