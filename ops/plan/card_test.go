package plan

import (
	"os"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/sebdah/goldie/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// add.json is Terraform's plan of this platform, trimmed. The others are made from
// it by hand: known values filled in, then changed. To accept new cards:
// go test ./ops/plan -update.
func TestCards(t *testing.T) {
	for name, want := range map[string]Status{
		"add": Changes, "nothing": Nothing, "open-port": Changes, "replace-database": Dangerous, "widen-iam": Changes,
	} {
		t.Run(name, func(t *testing.T) {
			card := New(readPlan(t, name))
			assert.Equal(t, want, card.Status)
			goldie.New(t, goldie.WithFixtureDir("testdata"), goldie.WithNameSuffix(".md"),
				goldie.WithDiffEngine(goldie.ColoredDiff)).
				Assert(t, name, []byte(card.Markdown()))
		})
	}
}

func TestCardIsDeterministic(t *testing.T) {
	first := New(readPlan(t, "add")).Markdown()
	for range 20 {
		p := readPlan(t, "add")
		for i, j := 0, len(p.ResourceChanges)-1; i < j; i, j = i+1, j-1 {
			p.ResourceChanges[i], p.ResourceChanges[j] = p.ResourceChanges[j], p.ResourceChanges[i]
		}
		require.Equal(t, first, New(p).Markdown())
	}
}

// Whatever the provider marks, and what it forgets to, is not on the card.
func TestCardKeepsSecrets(t *testing.T) {
	const secret = "hunter2"
	before := map[string]any{"password": "old" + secret, "username": secret, "user_data": secret,
		"environment": []any{map[string]any{"K": secret}}, "policy": secret}
	after := map[string]any{"password": "new" + secret, "username": secret + "2", "user_data": secret + "2",
		"environment": []any{map[string]any{"K": secret + "2"}}, "policy": secret + "2"}
	mask := map[string]any{"username": true, "policy": true}
	p := &tfjson.Plan{
		ResourceChanges: []*tfjson.ResourceChange{{Address: "aws_db_instance.db",
			Type: "aws_db_instance", Change: &tfjson.Change{
				Actions: tfjson.Actions{tfjson.ActionDelete, tfjson.ActionCreate}, Before: before, After: after,
				BeforeSensitive: mask, AfterSensitive: mask,
				ReplacePaths: []any{[]any{"password"}, []any{"username"}, []any{"user_data"},
					[]any{"environment", 0, "K"}, []any{"policy"}},
			}}},
		OutputChanges: map[string]*tfjson.Change{"token": {Actions: tfjson.Actions{tfjson.ActionCreate},
			After: secret}},
	}
	text := New(p).Markdown()
	assert.NotContains(t, text, secret)
	assert.Contains(t, text, "`username`: (sensitive) → (sensitive)")
	assert.Contains(t, text, "`policy` is sensitive, so it is not compared")
}

func TestStatus(t *testing.T) {
	no := false
	for name, test := range map[string]struct {
		plan tfjson.Plan
		want Status
		text string
	}{
		"empty":                 {tfjson.Plan{}, Nothing, "The infrastructure is as configured."},
		"no-op":                 {planOf("aws_vpc", tfjson.ActionNoop), Nothing, "as configured"},
		"only read":             {planOf("aws_ami", tfjson.ActionRead), Nothing, "is read while applying"},
		"create a database":     {planOf("aws_db_instance", tfjson.ActionCreate), Changes, "1 to create"},
		"update a database":     {planOf("aws_db_instance", tfjson.ActionUpdate), Changes, "1 to update"},
		"delete a database":     {planOf("aws_db_instance", tfjson.ActionDelete), Dangerous, "**deleted**"},
		"delete then create":    {planOf("aws_s3_bucket", tfjson.ActionDelete, tfjson.ActionCreate), Dangerous, "**replaced, deleted first**"},
		"create then delete":    {planOf("aws_kms_key", tfjson.ActionCreate, tfjson.ActionDelete), Dangerous, "**replaced, the new one first**"},
		"forget a secret":       {planOf("aws_secretsmanager_secret", tfjson.ActionForget), Changes, "forgotten: it stays in AWS"},
		"rotate a secret":       {planOf("aws_secretsmanager_secret_version", tfjson.ActionDelete, tfjson.ActionCreate), Changes, "secret's value: replace"},
		"replace an alarm":      {planOf("aws_cloudwatch_metric_alarm", tfjson.ActionDelete, tfjson.ActionCreate), Changes, "replaced, deleted first"},
		"an output":             {tfjson.Plan{OutputChanges: map[string]*tfjson.Change{"url": {Actions: tfjson.Actions{tfjson.ActionUpdate}}}}, Changes, "output `url` changes"},
		"not complete":          {tfjson.Plan{Complete: &no}, Changes, "> The plan is not complete"},
		"deferred deletion":     {tfjson.Plan{DeferredChanges: []*tfjson.DeferredResourceChange{{ResourceChange: resource("aws_s3_bucket", tfjson.ActionDelete)}}}, Dangerous, "**deleted**"},
		"only drift":            {tfjson.Plan{ResourceDrift: []*tfjson.ResourceChange{resource("aws_vpc", tfjson.ActionUpdate)}}, Nothing, "was changed outside Terraform"},
		"moved":                 {tfjson.Plan{ResourceChanges: []*tfjson.ResourceChange{{Address: "a.b", PreviousAddress: "a.c", Change: &tfjson.Change{Actions: tfjson.Actions{tfjson.ActionNoop}}}}}, Changes, "`a.b`: move"},
		"imported":              {tfjson.Plan{ResourceChanges: []*tfjson.ResourceChange{{Address: "a.b", Change: &tfjson.Change{Actions: tfjson.Actions{tfjson.ActionNoop}, Importing: &tfjson.Importing{ID: "x"}}}}}, Changes, "`a.b`: import"},
		"left-over of a cut":    {tfjson.Plan{ResourceChanges: []*tfjson.ResourceChange{{Address: "a.b", Type: "aws_db_instance", DeposedKey: "00aa", Change: &tfjson.Change{Actions: tfjson.Actions{tfjson.ActionDelete}}}}}, Dangerous, "`a.b (left-over copy 00aa)`"},
		"no change in a change": {tfjson.Plan{ResourceChanges: []*tfjson.ResourceChange{nil, {Address: "a.b"}}}, Nothing, "as configured"},
	} {
		t.Run(name, func(t *testing.T) {
			card := New(&test.plan)
			assert.Equal(t, test.want, card.Status)
			assert.Contains(t, card.Markdown(), test.text)
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"nothing":       {"", "got a text that is not the output of terraform show -json PLAN"},
		"a binary plan": {"PK\x03\x04", "got a text that is not the output of terraform show -json PLAN"},
		"no version":    {"{}", "format version is missing"},
		"a future one":  {`{"format_version":"2.0"}`, `unsupported plan format version: "2.0.0"`},
		"a state":       {`{"format_version":"1.0","values":{}}`, "got no planned_values"},
		"half a plan":   {`{"format_version":"1.2","planned_values":{},"errored":true}`, "it ended in an error"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(test.text))
			require.ErrorContains(t, err, test.want)
		})
	}
}

func readPlan(t *testing.T, name string) *tfjson.Plan {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name + ".json")
	require.NoError(t, err)
	p, err := Parse(text)
	require.NoError(t, err)
	return p
}

func resource(kind string, actions ...tfjson.Action) *tfjson.ResourceChange {
	return &tfjson.ResourceChange{Address: kind + ".it", Type: kind, Change: &tfjson.Change{Actions: actions}}
}

func planOf(kind string, actions ...tfjson.Action) tfjson.Plan {
	return tfjson.Plan{ResourceChanges: []*tfjson.ResourceChange{resource(kind, actions...)}}
}
