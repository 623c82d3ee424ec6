package eject

import (
	"io"
	"os"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	tfjson "github.com/hashicorp/terraform-json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// scope is what the test's expressions refer to.
var scope = &hcl.EvalContext{
	Variables: map[string]cty.Value{"a": cty.ObjectVal(map[string]cty.Value{"b": cty.StringVal("B"), "yes": cty.True})},
	Functions: map[string]function.Function{"upper": stdlib.UpperFunc, "jsonencode": stdlib.JSONEncodeFunc},
}

func TestText(t *testing.T) {
	for _, test := range []struct{ name, source, want string }{
		{"plain", "plain", `"plain"`},
		{"empty", "", `""`},
		{"quotes and backslashes", `a "b" \n c\`, `"a \"b\" \\n c\\"`},
		{"one expression", "${a.b}", "a.b"},
		{"expression within", "x-${a.b}-\"y\"", `"x-${a.b}-\"y\""`},
		{"escaped template", "$${a.b} %%{if} $5 100%", `"$${a.b} %%{if} $5 100%"`},
		{"quotes within an expression", `${upper("x\"y")}!`, `"${upper("x\"y")}!"`},
		{"template within a call", `${upper("x-${a.b}")}`, `upper("x-${a.b}")`},
		{"condition", `x %{ if a.yes }"1"%{ else }0%{ endif }`, `"x %{ if a.yes }\"1\"%{ else }0%{ endif }"`},
		{"lines", "one\n\"two\" ${a.b} $${c}\n", "<<TEXT\none\n\"two\" ${a.b} $${c}\nTEXT\n"},
		{"lines without an end", "one\ntwo", `"one\ntwo"`},
		{"lines with the marker", "one\n TEXT\n", `"one\n TEXT\n"`},
		{"lines in a call", `${upper("one\n\"two\" \\u0024{x} $${y}\n")}`, "upper(<<TEXT\none\n\"two\" \\u0024{x} $${y}\nTEXT\n)"},
		{"document", `{"b":"${a.b}","c":[1.50,true,null]}`, "jsonencode({\nb = a.b\nc = [\n1.50,\ntrue,\nnull,\n]\n})"},
		{"document with an escape", `{"b":"\u0024{a.b}"}`, `"{\"b\":\"\\u0024{a.b}\"}"`},
		{"no document", `{"b":`, `"{\"b\":"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := text(test.source)
			require.NoError(t, err)
			assert.Equal(t, test.want, got, "text(%q)", test.source)
			before := evaluate(t, test.source, hclsyntax.ParseTemplate)
			after := evaluate(t, string(hclwrite.Format([]byte(got))), hclsyntax.ParseExpression)
			if len(test.source) > 1 && test.source[0] == '{' && test.want[0] == 'j' {
				assert.JSONEq(t, before, after)
			} else {
				assert.Equal(t, before, after, "value of text(%q)", test.source)
			}
		})
	}
	_, err := text("${a.")
	assert.Error(t, err)
}

// evaluate is the value of a source in a syntax.
func evaluate(t *testing.T, source string, parse func([]byte, string, hcl.Pos) (hclsyntax.Expression, hcl.Diagnostics)) string {
	t.Helper()
	e, problems := parse([]byte(source), "test", hcl.InitialPos)
	require.False(t, problems.HasErrors(), "%s: %v", source, problems)
	v, problems := e.Value(scope)
	require.False(t, problems.HasErrors(), "%s: %v", source, problems)
	return v.AsString()
}

// schemas is a provider with one resource of one attribute and one block.
func schemas() *tfjson.ProviderSchemas {
	schema := &tfjson.Schema{Block: &tfjson.SchemaBlock{
		Attributes:   map[string]*tfjson.SchemaAttribute{"tags": {}, "name": {}},
		NestedBlocks: map[string]*tfjson.SchemaBlockType{"rule": {Block: &tfjson.SchemaBlock{Attributes: map[string]*tfjson.SchemaAttribute{"port": {}}}}},
	}}
	return &tfjson.ProviderSchemas{Schemas: map[string]*tfjson.ProviderSchema{"registry.terraform.io/hashicorp/x": {
		ConfigSchema: schema, ResourceSchemas: map[string]*tfjson.Schema{"x_thing": schema},
	}}}
}

func TestConvert(t *testing.T) {
	stack := `{"//": {}, "terraform": {"required_version": ">= 1.11.0", "backend": {"s3": {"key": "k"}}}, "provider": {"x": [{"name": "p"}]},
		"resource": {"x_thing": {"one": {"//": {"metadata": {"path": "stack/network/one"}},
			"tags": {"Name": "n", "a b": "${x_thing.two.name}"}, "rule": [{"port": 1}, {"port": 2}],
			"lifecycle": {"ignore_changes": ["tags"], "create_before_destroy": true}, "depends_on": ["x_thing.two"]}}},
		"output": {"o": {"value": "${x_thing.one.name}"}}}`
	value, err := decode([]byte(stack))
	require.NoError(t, err)
	files, err := convert(value.(map[string]any), schemas())
	require.NoError(t, err)
	assert.Equal(t, map[string]string{
		"terraform.tf": header + "\nterraform {\n  backend \"s3\" {\n    key = \"k\"\n  }\n  required_version = \">= 1.11.0\"\n}\n\nprovider \"x\" {\n  name = \"p\"\n}\n",
		"network.tf": header + `
resource "x_thing" "one" {
  tags = {
    Name  = "n"
    "a b" = x_thing.two.name
  }

  rule {
    port = 1
  }

  rule {
    port = 2
  }

  depends_on = [
    x_thing.two,
  ]

  lifecycle {
    create_before_destroy = true
    ignore_changes = [
      tags,
    ]
  }
}
`,
		"outputs.tf": header + "\noutput \"o\" {\n  value = x_thing.one.name\n}\n",
	}, files)
}

func TestConvertRefusesWhatItWouldLose(t *testing.T) {
	for name, stack := range map[string]string{
		"moved: got a block":             `{"moved": {}}`,
		"color: got an argument":         `{"resource": {"x_thing": {"one": {"color": "red"}}}}`,
		`"y_thing": got no schema`:       `{"resource": {"y_thing": {"one": {}}}}`,
		"provisioner: got an argument":   `{"resource": {"x_thing": {"one": {"provisioner": []}}}}`,
		"cloud: got a setting":           `{"terraform": {"cloud": {}}}`,
		"action_trigger: got a rule":     `{"resource": {"x_thing": {"one": {"lifecycle": {"action_trigger": 1}}}}}`,
		"rule: got string, want blocks":  `{"resource": {"x_thing": {"one": {"rule": "r"}}}}`,
		"depends_on: got string, want a": `{"resource": {"x_thing": {"one": {"depends_on": "r"}}}}`,
	} {
		value, err := decode([]byte(stack))
		require.NoError(t, err)
		_, err = convert(value.(map[string]any), schemas())
		assert.ErrorContains(t, err, name)
	}
}

func TestWriteRefusesBadInput(t *testing.T) {
	for name, test := range map[string]struct{ stack, want string }{
		"no stack":   {"", "cdk.tf.json: got none, want the synthesized stack"},
		"not JSON":   {"{", "cdk.tf.json: got no JSON document"},
		"not object": {"[]", "cdk.tf.json: got a list, want an object"},
	} {
		folder := t.TempDir()
		if test.stack != "" {
			require.NoError(t, os.WriteFile(folder+"/cdk.tf.json", []byte(test.stack), 0o600))
		}
		err := Write(t.Context(), folder, folder+"/target", io.Discard)
		require.ErrorIs(t, err, ErrInput, name)
		require.ErrorContains(t, err, test.want, name)
		assert.NoDirExists(t, folder+"/target", name)
	}
}

func TestWriteReplacesEarlierFiles(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, write(folder, map[string]string{"a.tf": "1", "b.tf": "1"}))
	require.NoError(t, os.Mkdir(folder+"/.terraform", 0o700))
	require.NoError(t, write(folder, map[string]string{"b.tf": "2"}))
	assert.NoFileExists(t, folder+"/a.tf")
	assert.DirExists(t, folder+"/.terraform")
	text, err := os.ReadFile(folder + "/b.tf")
	require.NoError(t, err)
	assert.Equal(t, "2", string(text))
}
