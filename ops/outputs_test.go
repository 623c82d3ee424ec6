package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"portfolio/config"
	"portfolio/config/tfstate"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOutputs(t *testing.T) {
	bucket := &fakeS3{}
	s, out := at(t, bucket)
	s.environ["ENVIRONMENT_SUFFIX"] = "pr7"
	var stderr bytes.Buffer
	assert.Equal(t, exitFailed, run(t.Context(), s, []string{"outputs"}, &stderr))
	assert.Contains(t, stderr.String(), "pr7: got no state in states, want a deployed environment")
	for name, want := range map[string]string{emptyState: "got no outputs", "": "got no outputs",
		`{"outputs": "hunter2`: "got a text that is not a Terraform state"} {
		bucket.put(keyOf("pr7"), name, 0)
		stderr.Reset()
		assert.Equal(t, exitFailed, run(t.Context(), s, []string{"outputs"}, &stderr))
		assert.Contains(t, stderr.String(), want)
		assert.NotContains(t, stderr.String(), "hunter2")
	}
	assert.Empty(t, out.String())

	bucket.put(keyOf("pr7"), `{"version": 4, "outputs": {
		"websocket-url": {"value": "wss://x/prod"}, "dashboard-name": {"value": "board-pr7"}, "password": {"value": "hunter2", "sensitive": true},
		"public-subnet-ids": {"value": ["s-1", "s|2"]}}, "resources": [{"mode": "managed", "type": "terraform_data", "name": "release",
		"instances": [{"attributes": {"input": {"value": {"commit": "0123abc", "region": "eu-west-1"}}}}]}]}`, 0)
	file := filepath.Join(t.TempDir(), "outputs.md")
	require.Equal(t, 0, run(t.Context(), s, []string{"outputs", "--out", file}, &stderr), stderr.String())
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "## Environment pr7\n\nIn eu-west-1, at commit 0123abc.\n\n| output | value |\n|---|---|\n"+
		"| dashboard-name | [board-pr7](https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#dashboards/dashboard/board-pr7) |\n"+
		"| password | *sensitive* |\n| public-subnet-ids | `s-1`<br>`s\\|2` |\n| websocket-url | `wss://x/prod` |\n", string(got))
}

func TestCell(t *testing.T) {
	for text, want := range map[string]string{
		`123456789012`: "`123456789012`", `1e400`: "`1e400`", `1.50`: "`1.50`", `true`: "`true`", `null`: "none", `""`: "(empty)",
		`"a\nb|c"`: "`a`<br>`b\\|c`", `"a\u0060b"`: "``a`b``", `[]`: "`[]`", `{}`: "`{}`", `["a", 12345678901, null]`: "`a`<br>`12345678901`<br>none",
		`{"b": [1, "<x>"], "a": {"c": "d\ne"}}`: "`{\"a\":{\"c\":\"d\\ne\"},\"b\":[1,\"<x>\"]}`", `[["a|b"]]`: "`[\"a\\|b\"]`",
		`9007199254740993`: "`9007199254740993`", `[9007199254740993, -0, 1E-400, 0.1]`: "`9007199254740993`<br>`-0`<br>`1E-400`<br>`0.1`", `false`: "`false`",
		`[[], {}, [[]], ""]`: "`[]`<br>`{}`<br>`[[]]`<br>(empty)", `[[{"n": 9007199254740993}], [null]]`: "`[{\"n\":9007199254740993}]`<br>`[null]`",
		`"a\rb\u0085c"`: "`a`<br>`b\\u0085c`", `"\t"`: "`\\t`", `"\u001b]0;x\u0007"`: "`\\x1b]0;x\\a`", `"user\u202egnp.exe"`: "`user\\u202egnp.exe`",
		`"<img src=x onerror=alert(1)>"`: "`<img src=x onerror=alert(1)>`", `"\u0060\u0060\u0060\n|"`: "```` ``` ````<br>`\\|`", `"&lt;"`: "`&lt;`",
		`{"\u001b": "\u202e"}`: "`{\"\\u001b\":\"\\u202e\"}`", `"\ud800"`: "`\ufffd`", `"   "`: "`   `",
	} {
		state, err := tfstate.Read([]byte(`{"version": 4, "outputs": {"o": {"value": ` + text + `}}}`))
		require.NoError(t, err, text)
		assert.Equal(t, want, cell(state.Outputs["o"].Value), text)
	}
}

// A state that somebody wrote by hand cannot add rows, markup or links to the table.
func TestOutputsQuoteEveryName(t *testing.T) {
	text := `{"version": 4, "outputs": {"a|b\n<x>": {"value": 1}, "dashboard-name": {"value": "board"}, "größe": {"value": 2}},
		"resources": [{"mode": "managed", "type": "terraform_data", "name": "release", "instances": [
			{"attributes": {"input": {"value": {"commit": "<b>0123abc</b>", "region": "x) [evil](https://example.com"}}}}]}]}`
	got, err := outputsTable(config.Config{Tags: map[string]string{"Environment": "pr7"}}, []byte(text))
	require.NoError(t, err)
	assert.Equal(t, "## Environment pr7\n\nIn `x) [evil](https://example.com`, at commit `<b>0123abc</b>`.\n\n| output | value |\n|---|---|\n"+
		"| `a\\|b`<br>`<x>` | `1` |\n| dashboard-name | `board` |\n| größe | `2` |\n", got)
}

// A name that is not a dashboard's makes no link, which it could break out of.
func TestOutputsLinkNothingButDashboards(t *testing.T) {
	got, err := outputsTable(config.Config{Region: "eu-west-1"},
		[]byte(`{"version": 4, "outputs": {"dashboard-name": {"value": "a](https://example.com)"}}}`))
	require.NoError(t, err)
	assert.Contains(t, got, "| dashboard-name | `a](https://example.com)` |\n")
}
