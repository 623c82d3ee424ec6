package eject

import (
	"io"
	"os"
	"strings"
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
	Variables: map[string]cty.Value{"a": cty.ObjectVal(map[string]cty.Value{"b": cty.StringVal("B"), "yes": cty.True,
		"port": cty.NumberIntVal(5432)})},
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
		{"document", `{"b":"x","c":[1.5,true,null]}`, "jsonencode({\nb = \"x\"\nc = [\n1.5,\ntrue,\nnull,\n]\n})"},
		{"list", `["x",{"a":1}]`, "jsonencode([\n\"x\",\n{\na = 1\n},\n])"},
		{"document with escapes", `{"a":"\u0026\u003c\u003e","b":"\"\n\\"}`, "jsonencode({\na = \"&<>\"\nb = \"\\\"\\n\\\\\"\n})"},
		{"document with an escaped template", `{"b":"$${a.b}"}`, "jsonencode({\nb = \"$${a.b}\"\n})"},
		{"a number within", "no ${1}, ${true} or ${\"x\"}", `"no ${1}, ${true} or ${"x"}"`},
		{"numbers alone", "${1}${2}", `"${1}${2}"`},
		{"document with a number within a string", `["${1}"]`, `"[\"${1}\"]"`},
		{"document with a number", `{"a":${1}}`, `"{\"a\":${1}}"`},
		{"document with a text within a string", `["${"x"}"]`, `"[\"${"x"}\"]"`},
		{"trimmed", "a ${~ a.b ~} c", `"a${a.b}c"`},
		{"escapes of escapes", "$$${x} %%%{y} $$$${a.b}", `"$$${x} %%%{y} $$$${a.b}"`},
		{"control characters", "a\x00\r\n\u2028\ufeff\n", "\"a\x00\\r\\n\u2028\ufeff\\n\""},
		{"no document", `{"b":`, `"{\"b\":"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := text(test.source)
			require.NoError(t, err)
			assert.Equal(t, test.want, got, "text(%q)", test.source)
			before := evaluate(t, test.source, hclsyntax.ParseTemplate)
			after := evaluate(t, string(hclwrite.Format([]byte(got))), hclsyntax.ParseExpression)
			assert.Equal(t, before, after, "value of text(%q)", test.source)
		})
	}
	_, err := text("${a.")
	assert.Error(t, err)
}

// A document whose bytes jsonencode would change stays a string.
func TestDocumentsKeepTheirBytes(t *testing.T) {
	for name, source := range map[string]string{
		"space": `{"a": 1}`, "space in a list": `[1, 2]`, "lines": "{\n  \"a\": 1\n}", "a final newline": "{\"a\":1}\n",
		"keys out of order": `{"b":1,"a":2}`, "nested, out of order": `{"a":{"z":1,"b":2}}`, "a key twice": `{"a":1,"a":2}`,
		"ampersand": `{"a":"x&y"}`, "angle brackets": `{"a":"<b>"}`, "a separator": "{\"a\":\"\u2028\"}",
		"a final zero": `{"a":1.50}`, "an exponent": `{"a":1e3}`, "a fraction of zero": `{"a":1.0}`,
		"escaped slash": `{"a":"\/"}`, "escaped letter": `{"a":"\u0061"}`, "escaped dollar": `{"b":"\u0024{a.b}"}`, "capitals in an escape": `{"a":"\u003C"}`,
		"a number that was a string": `{"port":"${a.port}"}`, "an expression": `{"a":"${a.b}"}`, "an expression without quotes": `{"a":${a.port}}`,
		"a byte-order mark": "{\"a\":\"\ufeffx\"}", "a directive": `{"a":"%{ if a.yes }x%{ endif }"}`,
		"an expression in a key": `{"${a.b}":1}`, "two documents": `{"a":1}{"b":2}`,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := text(source)
			require.NoError(t, err)
			assert.NotContains(t, got, "jsonencode")
			before := evaluate(t, source, hclsyntax.ParseTemplate)
			after := evaluate(t, string(hclwrite.Format([]byte(got))), hclsyntax.ParseExpression)
			assert.Equal(t, before, after)
		})
	}
}

// evaluate is the value of a source in a syntax.
func evaluate(t *testing.T, source string, parse func([]byte, string,
	hcl.Pos) (hclsyntax.Expression, hcl.Diagnostics)) string {
	t.Helper()
	e, problems := parse([]byte(source), "test", hcl.InitialPos)
	require.False(t, problems.HasErrors(), "%s: %v", source, problems)
	v, problems := e.Value(scope)
	require.False(t, problems.HasErrors(), "%s: %v", source, problems)
	return v.AsString()
}

// schemas is a provider with one type of everything: attributes and a block.
func schemas() *tfjson.ProviderSchemas {
	schema := &tfjson.Schema{Block: &tfjson.SchemaBlock{
		Attributes: map[string]*tfjson.SchemaAttribute{"tags": {}, "name": {}, "port": {AttributeType: cty.Set(cty.Number)},
			"ingress": {AttributeType: cty.Set(cty.Object(map[string]cty.Type{"port": cty.Number}))}},
		NestedBlocks: map[string]*tfjson.SchemaBlockType{"rule": {Block: &tfjson.SchemaBlock{Attributes: map[string]*tfjson.SchemaAttribute{"port": {}}}}},
	}}
	types := map[string]*tfjson.Schema{"x_thing": schema}
	return &tfjson.ProviderSchemas{Schemas: map[string]*tfjson.ProviderSchema{
		"registry.terraform.io/hashicorp/x": {ConfigSchema: schema, ResourceSchemas: types, DataSourceSchemas: types},
		"registry.terraform.io/acme/exotic": {ConfigSchema: schema, ResourceSchemas: types},
	}}
}

func converted(t *testing.T, stack string) (map[string]string, error) {
	t.Helper()
	value, err := decode([]byte(stack))
	require.NoError(t, err)
	return convert(value.(map[string]any), schemas())
}

// Each kind of block, as JSON has it and as it is written.
func TestConvert(t *testing.T) {
	for name, test := range map[string]struct{ stack, file, want string }{
		"settings": {`{"//": {"metadata": {"stackName": "s"}}, "terraform": {"required_version": ">= 1.11.0", "backend": {"s3": {"key": "${k}"}},
			"required_providers": {"x": {"source": "hashicorp/x", "version": "1.0"}}}}`, "terraform.tf",
			"terraform {\n\n  backend \"s3\" {\n    key = \"$${k}\"\n  }\n\n  required_providers {\n    x = {\n      source  = \"hashicorp/x\"\n      version = \"1.0\"\n    }\n  }\n  required_version = \">= 1.11.0\"\n}\n"},
		"comments":               {`{"//": "By hand.\nTwice.", "terraform": {"//": {"why": "this"}}}`, "terraform.tf", "# By hand.\n# Twice.\n\nterraform {\n  # {\n  #   \"why\": \"this\"\n  # }\n}\n"},
		"comment inside":         {`{"resource": {"x_thing": {"one": {"//": "kept", "rule": {"//": "here", "port": 1}}}}}`, "main.tf", "resource \"x_thing\" \"one\" {\n  # kept\n\n  rule {\n    # here\n    port = 1\n  }\n}\n"},
		"provider":               {`{"provider": {"x": [{"name": "p"}, {"alias": "west", "name": "q"}]}}`, "terraform.tf", "provider \"x\" {\n  name = \"p\"\n}\n\nprovider \"x\" {\n  alias = \"west\"\n  name  = \"q\"\n}\n"},
		"provider of a resource": {`{"resource": {"x_thing": {"one": {"provider": "x.west", "name": "n"}}}}`, "main.tf", "resource \"x_thing\" \"one\" {\n  provider = x.west\n  name     = \"n\"\n}\n"},
		"an attribute that is a block": {`{"resource": {"x_thing": {"one": {"ingress": {"port": 1}}}}}`, "main.tf",
			"resource \"x_thing\" \"one\" {\n  ingress = [\n    {\n      port = 1\n    },\n  ]\n}\n"},
		"one that is repeated": {`{"resource": {"x_thing": {"one": {"dynamic": {"ingress": {"for_each": "${[1]}", "content": {"port": "${ingress.value}"}}}}}}}`, "main.tf",
			"resource \"x_thing\" \"one\" {\n\n  dynamic \"ingress\" {\n    for_each = [1]\n\n    content {\n      port = ingress.value\n    }\n  }\n}\n"},
		"another local name": {`{"terraform": {"required_providers": {"y": {"source": "acme/exotic"}}}, "resource": {"x_thing": {"one": {"provider": "y", "name": "n"}}}}`, "main.tf",
			"resource \"x_thing\" \"one\" {\n  provider = y\n  name     = \"n\"\n}\n"},
		"resource": {`{"resource": {"x_thing": {"one": {"//": {"metadata": {"path": "stack/network/one"}},
			"tags": {"Name": "n", "a b": "${x_thing.two.name}"}, "rule": [{"port": 1}, {"port": 2}], "count": 2,
			"lifecycle": {"ignore_changes": ["tags"], "create_before_destroy": true, "precondition": {"condition": "${true}", "error_message": "m"}}, "depends_on": ["x_thing.two"]}}}}`, "network.tf",
			`resource "x_thing" "one" {
  count = 2
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

    precondition {
      condition     = true
      error_message = "m"
    }
  }
}
`},
		"lists of everything": {`{"data": [{"x_thing": [{"one": [{"name": "n"}]}]}]}`, "main.tf", "data \"x_thing\" \"one\" {\n  name = \"n\"\n}\n"},
		"ignore all":          {`{"resource": {"x_thing": {"one": {"lifecycle": [{"ignore_changes": "all"}]}}}}`, "main.tf", "resource \"x_thing\" \"one\" {\n\n  lifecycle {\n    ignore_changes = all\n  }\n}\n"},
		"dynamic": {`{"resource": {"x_thing": {"one": {"dynamic": {"rule": {"for_each": "${[1]}", "iterator": "r", "content": {"port": "${r.value}"}}}}}}}`, "main.tf",
			"resource \"x_thing\" \"one\" {\n\n  dynamic \"rule\" {\n    for_each = [1]\n    iterator = r\n\n    content {\n      port = r.value\n    }\n  }\n}\n"},
		"provisioner": {`{"resource": {"x_thing": {"one": {"connection": {"host": "h"}, "provisioner": [{"local-exec": {"command": "echo ${self.name}", "when": "destroy", "on_failure": "continue"}}, {"file": {"content": "c", "connection": {"user": "u"}}}]}}}}`, "main.tf",
			"resource \"x_thing\" \"one\" {\n\n  connection {\n    host = \"h\"\n  }\n\n  provisioner \"local-exec\" {\n    command    = \"echo ${self.name}\"\n    on_failure = continue\n    when       = destroy\n  }\n\n  provisioner \"file\" {\n    content = \"c\"\n\n    connection {\n      user = \"u\"\n    }\n  }\n}\n"},
		"output":   {`{"output": {"o": {"value": "${x_thing.one.name}", "description": "${x}", "depends_on": ["x_thing.one"], "precondition": [{"condition": "${true}", "error_message": "m"}]}}}`, "outputs.tf", "output \"o\" {\n  depends_on = [\n    x_thing.one,\n  ]\n  description = \"$${x}\"\n  value       = x_thing.one.name\n\n  precondition {\n    condition     = true\n    error_message = \"m\"\n  }\n}\n"},
		"moved":    {`{"moved": [{"from": "x_thing.a", "to": "x_thing.b[0]"}]}`, "refactoring.tf", "moved {\n  from = x_thing.a\n  to   = x_thing.b[0]\n}\n"},
		"import":   {`{"import": {"to": "x_thing.a", "id": "i-1", "provider": "x.west"}}`, "refactoring.tf", "import {\n  id       = \"i-1\"\n  provider = x.west\n  to       = x_thing.a\n}\n"},
		"removed":  {`{"removed": {"from": "x_thing.a", "lifecycle": {"destroy": false}}}`, "refactoring.tf", "removed {\n  from = x_thing.a\n\n  lifecycle {\n    destroy = false\n  }\n}\n"},
		"variable": {`{"variable": {"v": {"type": "list(string)", "default": ["${x}"], "validation": {"condition": "${true}", "error_message": "m"}}}}`, "variables.tf", "variable \"v\" {\n  default = [\n    \"$${x}\",\n  ]\n  type = list(string)\n\n  validation {\n    condition     = true\n    error_message = \"m\"\n  }\n}\n"},
		"locals":   {`{"locals": {"a": "${1 + 1}"}}`, "locals.tf", "locals {\n  a = 1 + 1\n}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			files, err := converted(t, test.stack)
			require.NoError(t, err)
			assert.Equal(t, header+"\n"+test.want, files[test.file])
		})
	}
}

func TestConvertRefusesWhatItWouldLose(t *testing.T) {
	for want, stack := range map[string]string{
		"module: got blocks of a kind that eject does not write, want data, ephemeral": `{"module": {"m": {}}}`,
		"check: got blocks of a kind":                               `{"check": {"c": {}}}`,
		`resource "x_thing" "one": color: got an argument that the`: `{"resource": {"x_thing": {"one": {"color": "red"}}}}`,
		`resource "y_thing": got no schema of this type`:            `{"resource": {"y_thing": {"one": {}}}}`,
		`provider "y": got no schema of this provider`:              `{"provider": {"y": {}}}`,
		"experiments: got a setting of Terraform's":                 `{"terraform": {"experiments": []}}`,
		"action_trigger: got a lifecycle rule that eject does":      `{"resource": {"x_thing": {"one": {"lifecycle": {"action_trigger": 1}}}}}`,
		"rule: got a string, want a block":                          `{"resource": {"x_thing": {"one": {"rule": "r"}}}}`,
		"depends_on: got a string, want a list":                     `{"resource": {"x_thing": {"one": {"depends_on": "r"}}}}`,
		"depends_on: got a number, want a reference":                `{"resource": {"x_thing": {"one": {"depends_on": [1]}}}}`,
		`depends_on: got "a b", want a reference`:                   `{"resource": {"x_thing": {"one": {"depends_on": ["a b"]}}}}`,
		`moved: from: got "x y", want a reference`:                  `{"moved": {"from": "x y", "to": "x_thing.a"}}`,
		`dynamic "ruler": got a block that the provider's schema`:   `{"resource": {"x_thing": {"one": {"dynamic": {"ruler": {}}}}}}`,
		`dynamic "port": got a block that the provider's schema`:    `{"resource": {"x_thing": {"one": {"dynamic": {"port": {}}}}}}`,
		"x_thing.one: got a list of nothing, want a block"[:11]:     `{"resource": {"x_thing": {"one": 5}}}`,
		"got a boolean, want a block":                               `{"resource": true}`,
		`type: got "list(", want a type`:                            `{"variable": {"v": {"type": "list("}}}`,
		"x: got configuration_aliases, which belong in a module":    `{"terraform": {"required_providers": {"x": {"source": "a/b", "configuration_aliases": ["x.y"]}}}}`,
	} {
		_, err := converted(t, stack)
		require.Error(t, err, want)
		assert.ErrorContains(t, err, want)
		assert.NotRegexp(t, `map\[|interface \{\}|%!`, err.Error(), "Go's words")
	}
}

// Terraform reads each file, and none as an override of another.
func TestFileOf(t *testing.T) {
	for id, want := range map[string]string{
		"network": "network.tf", "Network": "network.tf", "launch-template": "launch-template.tf", "load_balancer": "load-balancer.tf",
		"override": "override-blocks.tf", "x_override": "x-override.tf", "Override": "override-blocks.tf", ".x": "x.tf", "..": "main.tf", "x~": "x.tf",
		"#x#": "x.tf", "a b": "a-b.tf", "größe": "gr-e.tf", "x.tf": "x-tf.tf", "con": "con-blocks.tf", "": "main.tf", "-": "main.tf", "a\\b": "a-b.tf",
		"x.tftest": "x-tftest.tf", "a\nb": "a-b.tf", "\x00": "main.tf", strings.Repeat("a", 300): strings.Repeat("a", 100) + ".tf",
	} {
		assert.Equal(t, want, fileOf(id), "%q", id)
	}
}

func TestWriteRefusesBadInput(t *testing.T) {
	for name, test := range map[string]struct{ stack, want string }{
		"no stack":   {"", "cdk.tf.json: got none, want the synthesized stack"},
		"not JSON":   {"{", "cdk.tf.json: got something else, want a JSON document"},
		"not object": {"[]", "cdk.tf.json: got a list, want an object"},
		"UTF-16":     {"\xff\xfe{\x00}\x00", "cdk.tf.json: got something else, want a JSON document"},
		"a resource twice": {`{"resource": {"x_thing": {"one": {}, "one": {}}}}`,
			"cdk.tf.json: resource.x_thing.one: got it twice, want it once"},
		"a kind twice":     {`{"output": {"a": {"value": 1}}, "output": {"b": {"value": 2}}}`, "cdk.tf.json: output: got it twice"},
		"an escaped twice": {`{"a": 1, "\u0061": 2}`, "cdk.tf.json: a: got it twice"},
	} {
		folder := t.TempDir()
		if test.stack != "" {
			require.NoError(t, os.WriteFile(folder+"/cdk.tf.json", []byte(test.stack), 0o600))
		}
		err := Write(t.Context(), folder, folder+"/target", io.Discard)
		require.ErrorAs(t, err, &InputError{}, name)
		require.ErrorContains(t, err, test.want, name)
		assert.NoDirExists(t, folder+"/target", name)
	}
}

func TestWriteReplacesEarlierFiles(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, write(folder, map[string]string{"a.tf": header + "1", "b.tf": header + "1"}))
	require.NoError(t, os.Mkdir(folder+"/.terraform", 0o700))
	require.NoError(t, write(folder, map[string]string{"b.tf": header + "2"}))
	assert.NoFileExists(t, folder+"/a.tf")
	assert.DirExists(t, folder+"/.terraform")
	text, err := os.ReadFile(folder + "/b.tf")
	require.NoError(t, err)
	assert.Equal(t, header+"2", string(text))
}

// A configuration that eject did not write is neither removed nor mixed with its own.
func TestWriteKeepsWhatItDidNotWrite(t *testing.T) {
	for _, name := range []string{"mine.tf", ".hidden.tf", "mine.tf.json"} {
		folder := t.TempDir()
		require.NoError(t, os.WriteFile(folder+"/"+name, []byte("# by hand"), 0o600))
		err := write(folder, map[string]string{"b.tf": header})
		require.ErrorAs(t, err, &InputError{}, name)
		require.ErrorContains(t, err, name+": got a file that eject did not write")
		assert.FileExists(t, folder+"/"+name)
		assert.NoFileExists(t, folder+"/b.tf")
	}
}
