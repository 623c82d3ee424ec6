package plan

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// changing is a plan that does something to a database.
func changing(change string) string {
	return `{"format_version":"1.2","resource_changes":[{"address":"aws_db_instance.db","type":"aws_db_instance","name":"db","change":{` + change + `}}]}`
}

// without is a plan that changes no resource.
func without(part string) string { return `{"format_version":"1.2","planned_values":{},` + part + `}` }

// moving is a plan that moves a network and does something to it.
func moving(change string) string {
	return `{"format_version":"1.2","resource_changes":[{"address":"aws_vpc.new","previous_address":"aws_vpc.old","type":"aws_vpc","change":{` + change + `}}]}`
}

type factTest struct {
	plan string
	want Status
	says []string
	not  []string
}

func checkFacts(t *testing.T, tests map[string]factTest) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := Parse([]byte(test.plan))
			require.NoError(t, err)
			card := New(p)
			text := card.Markdown()
			assert.Equal(t, test.want, card.Status)
			for _, says := range test.says {
				assert.Contains(t, text, says)
			}
			for _, not := range test.not {
				assert.NotContains(t, text, not)
			}
		})
	}
}

// Everything that a plan does to a resource is listed and counted.
func TestFactsOfOneResource(t *testing.T) {
	checkFacts(t, map[string]factTest{
		"update and import": {changing(`"actions":["update"],"importing":{"id":"legacy"},"before":{"a":1},"after":{"a":2}`), Changes,
			[]string{"1 to update", "1 to import", "`aws_db_instance.db`: update `a`, import"}, nil},
		"import by identity": {changing(`"actions":["no-op"],"importing":{"identity":{"x":"y"}}`), Changes, []string{"0 to update", "1 to import"}, nil},
		"replace and import": {changing(`"actions":["delete","create"],"importing":{"id":"legacy"}`), Dangerous,
			[]string{"1 to replace", "1 to import", "**replaced, deleted first**, and imported"}, nil},
		"move":             {moving(`"actions":["no-op"]`), Changes, []string{"0 to update", "1 to move", "`aws_vpc.new`: move"}, nil},
		"move and update":  {moving(`"actions":["update"],"before":{"tags":null},"after":{"tags":{"a":"b"}}`), Changes, []string{"1 to update", "1 to move", "update `tags`, move"}, nil},
		"move and delete":  {moving(`"actions":["delete"]`), Changes, []string{"1 to delete", "1 to move", "deleted, and moved"}, nil},
		"move and replace": {moving(`"actions":["create","delete"]`), Changes, []string{"1 to replace", "1 to move", "replaced, the new one first, and moved"}, nil},
		"move and create":  {moving(`"actions":["create"]`), Changes, []string{"1 to create", "1 to move"}, nil},
		"all of them": {moving(`"actions":["update"],"importing":{"id":"i"}`), Changes,
			[]string{"1 to update, 0 to replace", "1 to import", "1 to move"}, nil},
	})
}

// A replacement that leaves the old resource in AWS deletes nothing, and both cost.
func TestReplacedAndForgotten(t *testing.T) {
	const db = `"engine":"postgres","storage_type":"gp3","allocated_storage":100,"instance_class":"db.t3.medium","skip_final_snapshot":true,"delete_automated_backups":true`
	replaced := func(actions string) string {
		return changing(`"actions":` + actions + `,"before":{` + db + `},"after":{` + db +
			`},"replace_paths":[["identifier"]]`)
	}
	says := []string{
		"1 to replace", "**replaced; the old one stays in AWS, unmanaged**", "the old one keeps what it holds",
		"the old one keeps running", "64.06 → 128.12 USD",
	}
	not := []string{"deleted first", "backups go", "no final snapshot", "less than this", "new one first"}
	checkFacts(t, map[string]factTest{
		"created first":   {replaced(`["create","forget"]`), Dangerous, says, not},
		"forgotten first": {replaced(`["forget","create"]`), Dangerous, says, not},
		"a log group":     {changing(`"actions":["forget","create"]`), Dangerous, nil, []string{"logs are lost"}},
		"only forgotten":  {changing(`"actions":["forget"],"before":{` + db + `}`), Changes, []string{"1 to forget", "64.06 → 64.06"}, nil},
	})
}

// What a plan contains besides resources counts too.
func TestFactsOtherThanResources(t *testing.T) {
	checkFacts(t, map[string]factTest{
		"an action": {without(`"action_invocations":[{"address":"action.aws_lambda_invoke.migrate","type":"aws_lambda_invoke","name":"migrate",
			"config_values":{"payload":"hunter2"},"lifecycle_action_trigger":{"triggering_resource_address":"aws_db_instance.db","action_trigger_event":"AfterCreate"}}]`), Changes,
			[]string{"1 action to invoke",
				"- `action.aws_lambda_invoke.migrate`: is invoked after the creation of `aws_db_instance.db`"},
			[]string{"hunter2", "as configured"}},
		"an action by request": {without(`"action_invocations":[{"address":"action.a.b","invoke_action_trigger":{}}]`), Changes, []string{"- `action.a.b`: is invoked\n"}, nil},
		"a failed check": {without(`"checks":[{"address":{"kind":"check","to_display":"check.health"},"status":"fail",
			"instances":[{"address":{"to_display":"check.health"},"status":"fail","problems":[{"message":"The API answers 503."},{"message":"Twice."}]}]}]`), Changes,
			[]string{"1 check failed", "### Failed checks",
				"- `check.health`: **failed**: `The API answers 503.`; `Twice.`"}, []string{"as configured"}},
		"one instance of two": {without(`"checks":[{"address":{"to_display":"aws_vpc.v"},"status":"fail","instances":[
			{"address":{"to_display":"aws_vpc.v[0]"},"status":"pass"},{"address":{"to_display":"aws_vpc.v[1]"},"status":"fail","problems":[{"message":"m"}]}]}]`), Changes,
			[]string{"1 check failed", "- `aws_vpc.v[1]`: **failed**: `m`"}, []string{"aws_vpc.v[0]"}},
		"a check with an error": {without(`"checks":[{"address":{"to_display":"output.url"},"status":"error"}]`), Changes, []string{"- `output.url`: **could not be evaluated**"}, nil},
		"checks that did not fail": {without(`"checks":[{"address":{"to_display":"a.b"},"status":"pass","instances":[{"status":"pass"}]},{"address":{"to_display":"c.d"},"status":"unknown"}]`), Nothing,
			[]string{"as configured"}, []string{"check"}},
		"a plan of a part": {without(`"complete":false`), Changes, []string{"> The plan is not complete"}, []string{"nothing to do", "as configured"}},
		"a deferred action": {without(`"complete":false,"deferred_action_invocations":[{"reason":"r","action_invocation":{"address":"action.a.b"}}]`), Changes,
			[]string{"> The plan is not complete"}, []string{"nothing to do", "as configured"}},
		"a deferred action, of a complete plan": {without(`"applyable":true,"deferred_action_invocations":[{"reason":"r","action_invocation":{"address":"action.a.b"}},{"reason":"r","action_invocation":null}]`), Changes,
			[]string{"1 action to invoke", "- `action.a.b`: is invoked"}, []string{"as configured"}},
		"only drift": {without(`"applyable":true,"resource_drift":[{"address":"a.b","type":"a","change":{"actions":["update"],"before":{"x":1},"after":{"x":2}}}]`), Nothing, nil, nil},
		"only reads": {without(`"applyable":true,"resource_changes":[{"address":"data.a.b","mode":"data","type":"a","change":{"actions":["read"]}}]`), Nothing, nil, nil},
		"a deferred change": {without(`"deferred_changes":[{"reason":"instance_count_unknown","resource_change":{"address":"aws_eip.x","type":"aws_eip","change":{"actions":["create"]}}}]`), Changes,
			[]string{"`aws_eip.x`: create, deferred to a later plan"}, nil},
	})
}

// A resource that only moved did not drift.
func TestMoveIsNotDrift(t *testing.T) {
	drift := func(change string) string {
		return without(`"resource_drift":[{"address":"aws_vpc.new","previous_address":"aws_vpc.old","type":"aws_vpc","change":{` + change + `}}]`)
	}
	none := []string{"outside Terraform", "to move"}
	checkFacts(t, map[string]factTest{
		"moved":              {drift(`"actions":["no-op"],"before":{"a":1},"after":{"a":1}`), Nothing, []string{"as configured"}, none},
		"moved, as update":   {drift(`"actions":["update"],"before":{"a":1},"after":{"a":1}`), Nothing, []string{"as configured"}, none},
		"moved and changed":  {drift(`"actions":["update"],"before":{"a":1},"after":{"a":2}`), Nothing, []string{"was changed outside Terraform: `a`"}, nil},
		"moved and deleted":  {drift(`"actions":["delete"],"before":{"a":1}`), Nothing, []string{"was **deleted** outside Terraform"}, nil},
		"volatile attribute": {without(`"resource_drift":[{"address":"aws_db_instance.db","type":"aws_db_instance","change":{"actions":["update"],"before":{"latest_restorable_time":"1","status":"available"},"after":{"latest_restorable_time":"2","status":"backing-up"}}}]`), Nothing, nil, none},
		"and one that is not": {without(`"resource_drift":[{"address":"aws_db_instance.db","type":"aws_db_instance","change":{"actions":["update"],"before":{"status":"a","multi_az":true},"after":{"status":"b","multi_az":false}}}]`), Nothing,
			[]string{"was changed outside Terraform: `multi_az`\n"}, nil},
	})
}

func TestParseAcceptsAByteOrderMark(t *testing.T) {
	checkFacts(t, map[string]factTest{"mark": {"\xef\xbb\xbf" + changing(`"actions":["create"]`), Changes,
		[]string{"1 to create"}, nil}})
	stack := readFile(t, "testdata/stack.tf.json")
	card, err := Compare(append([]byte("\xef\xbb\xbf"), stack...), stack)
	require.NoError(t, err)
	assert.Equal(t, Nothing, card.Status)
	_, err = Compare(stack, []byte("\xff\xfe{\x00"))
	require.ErrorContains(t, err, "head: got UTF-16, want UTF-8")
}

func TestParseRefusesWhatItDoesNotKnow(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"UTF-16, little-endian":             {"\xff\xfe{\x00}\x00", "got UTF-16, want UTF-8"},
		"UTF-16, big-endian":                {"\xfe\xff\x00{\x00}", "got UTF-16, want UTF-8"},
		"UTF-16 without a mark":             {"{\x00}\x00", "got UTF-16, want UTF-8"},
		"UTF-16, big, without a mark":       {"\x00{\x00}", "got UTF-16, want UTF-8"},
		"UTF-32":                            {"\xff\xfe\x00\x00{\x00\x00\x00", "got UTF-32, want UTF-8"},
		"Terraform 1.7's word":              {changing(`"actions":["ForgetThenCreate"]`), `resource_changes aws_db_instance.db: got the actions ["ForgetThenCreate"], want those that Terraform documents`},
		"its sibling":                       {changing(`"actions":["CreateThenForget"]`), `got the actions ["CreateThenForget"]`},
		"one of two unknown":                {changing(`"actions":["no-op","explode"]`), `got the actions ["no-op" "explode"]`},
		"an action twice":                   {changing(`"actions":["create","create"]`), `got the actions ["create" "create"]`},
		"in capitals":                       {changing(`"actions":["UPDATE"]`), `got the actions ["UPDATE"]`},
		"an empty list":                     {changing(`"actions":[]`), `got the actions []`},
		"no list":                           {changing(`"before":{}`), `got the actions []`},
		"no change":                         {`{"format_version":"1.2","resource_changes":[{"address":"a.b"}]}`, "resource_changes a.b: got no change, want one"},
		"null for a change":                 {`{"format_version":"1.2","resource_changes":[null]}`, "resource_changes: got null, want a change"},
		"an unknown action in drift":        {without(`"resource_drift":[{"address":"a.b","change":{"actions":["vanish"]}}]`), `resource_drift a.b: got the actions ["vanish"]`},
		"an unknown action, deferred":       {without(`"deferred_changes":[{"reason":"r","resource_change":{"address":"a.b","change":{"actions":["vanish"]}}}]`), `deferred_changes a.b: got the actions ["vanish"]`},
		"an unknown status of a check":      {without(`"checks":[{"address":{"to_display":"check.a"},"status":"exploded"}]`), `checks check.a: got the status "exploded", want pass, fail, error or unknown`},
		"an unknown status of one instance": {without(`"checks":[{"address":{"to_display":"aws_vpc.v"},"status":"pass","instances":[{"address":{"to_display":"aws_vpc.v[0]"},"status":""}]}]`), `checks aws_vpc.v[0]: got the status ""`},
		"changes that are not listed":       {without(`"applyable":true,"something_changes":[{"address":"a.b"}]`), "got changes of a kind that this program does not know"},
		"a list":                            {`[]`, "plan: got a text that is not the output of terraform show -json PLAN: want an object"},
		"a number for a list":               {without(`"resource_changes":5`), "plan: got a text that is not the output of terraform show -json PLAN: resource_changes: got a number"},
		"an unknown action, an output":      {without(`"output_changes":{"o":{"actions":["vanish"]}}`), `output_changes o: got the actions ["vanish"]`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(test.text))
			require.ErrorContains(t, err, test.want)
		})
	}
}

// A JSON document is not printed, whatever the attribute's name.
func TestCardKeepsDocuments(t *testing.T) {
	for name, document := range map[string]string{
		"an array": `[{"name":"app","secrets":"hunter2"}]`, "an object": `{"password":"hunter2"}`, "with space": "\n {\"a\": \"hunter2\"}\n",
		"with a mark": "\ufeff{\"a\":\"hunter2\"}", "lines of them": "{\"a\":\"hunter2\"}\n{\"a\":2}", "in a string": `"{\"a\":\"hunter2\"}"`,
		"cut short": `{"a":"hunter2`, "with a comma too many": `{"a":"hunter2",}`, "YAML": "a:\n  password: hunter2\n", "a file of settings": "A=1\r\nB=hunter2",
		"cut short, with space": `{ "a": "hunter2", `, "an array, cut short": `[1, 2, {"token": "hunter2"}`, "Python": `{'password': 'hunter2'}`,
		"after a name": `config={"password":"hunter2"}`, "a list after a name": `--header ["Bearer hunter2"]`, "credentials": "postgres://owner:hunter2@db.example/portfolio",
	} {
		t.Run(name, func(t *testing.T) {
			after, err := json.Marshal(document)
			require.NoError(t, err)
			p, err := Parse([]byte(`{"format_version":"1.2","resource_changes":[{"address":"aws_ecs_task_definition.t","type":"aws_ecs_task_definition","change":{
				"actions":["delete","create"],"before":{"container_definitions":"[]"},"after":{"container_definitions":` + string(after) + `},"replace_paths":[["container_definitions"]]}}]}`))
			require.NoError(t, err)
			text := New(p).Markdown()
			assert.NotContains(t, text, "hunter2")
			assert.Contains(t, text, "`container_definitions`: (a structure) → (a structure)")
		})
	}
	for _, plain := range []string{"{a}", "[x", "12", "true", `"a"`, "{{.Name}}", "https://example.com:443/a@b", "arn:aws:iam::1:role/r"} {
		assert.Equal(t, code(plain), value{v: plain}.shown())
	}
}
