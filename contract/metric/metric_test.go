package metric_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"portfolio/contract/metric"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Units are CloudWatch's words: others make it drop the whole line.
var units = []string{"Milliseconds", "Seconds", "Count", "Percent"}

func TestAll(t *testing.T) {
	var names []string
	for _, m := range metric.All() {
		names = append(names, m.Name)
		assert.Contains(t, units, m.Unit, m.Name)
		assert.NotEmpty(t, m.Stat, m.Name)
		assert.NotEmpty(t, m.Label, m.Name)
		if strings.HasPrefix(m.Stat, "p") {
			assert.Equal(t, metric.Distribution, m.Kind, "%s: only a distribution has percentiles", m.Name)
		}
	}
	file, err := parser.ParseFile(token.NewFileSet(), "metric.go", nil, 0)
	require.NoError(t, err)
	var declared []string
	for _, d := range file.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
			for _, s := range g.Specs {
				declared = append(declared, s.(*ast.ValueSpec).Names[0].Name)
			}
		}
	}
	assert.ElementsMatch(t, declared, names, "All() has each metric, and each is called by its name")
}
