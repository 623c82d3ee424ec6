package plan

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/stretchr/testify/assert"
)

// GitHub refuses a comment of more than 65,536 characters.
func TestCardFitsAComment(t *testing.T) {
	for _, action := range []tfjson.Action{tfjson.ActionCreate, tfjson.ActionDelete} {
		var p tfjson.Plan
		for i := range 3000 {
			r := resource("aws_s3_bucket", action)
			r.Address = fmt.Sprintf("aws_s3_bucket.bucket-with-a-rather-long-name-%04d", i)
			p.ResourceChanges = append(p.ResourceChanges, r)
			p.Checks = append(p.Checks,
				tfjson.CheckResultStatic{Address: tfjson.CheckStaticAddress{ToDisplay: r.Address}, Status: tfjson.CheckStatusFail})
			p.ActionInvocations = append(p.ActionInvocations, &tfjson.ActionInvocation{Address: r.Address})
		}
		text := New(&p).Markdown()
		assert.Less(t, len(text), 65_536)
		assert.Regexp(t, `- and \d+ more\n`, text)
		assert.Equal(t, strings.Count(text, "<details>"), strings.Count(text, "</details>"))
	}
}

// The least important findings are dropped if not all of them fit.
func TestCardKeepsWhatMatters(t *testing.T) {
	var p tfjson.Plan
	add := func(kind, name string, actions tfjson.Actions, before, after map[string]any) {
		change := &tfjson.Change{Actions: actions, Before: before, After: after}
		p.ResourceChanges = append(p.ResourceChanges,
			&tfjson.ResourceChange{Address: kind + "." + name, Type: kind, Change: change})
	}
	create, update, remove := tfjson.Actions{tfjson.ActionCreate}, tfjson.Actions{tfjson.ActionUpdate},
		tfjson.Actions{tfjson.ActionDelete}
	rule := func(port float64) map[string]any {
		return map[string]any{"cidr_ipv4": "0.0.0.0/0", "ip_protocol": "tcp", "from_port": port, "to_port": port}
	}
	long := strings.Repeat("x", 150)
	for i := range 60 {
		name := fmt.Sprintf("a%02d-%s", i, long)
		add(egress, name, create, nil, rule(443))
		add(ingress, "web-"+name, create, nil, rule(80))
		add("aws_db_instance", name, update, map[string]any{"backup_retention_period": 1.0, "tags": 1.0},
			map[string]any{"backup_retention_period": 7.0, "tags": 2.0})
		add("aws_route", name, remove, nil, nil)
		add("aws_iam_role_policy", name, create, nil,
			map[string]any{"policy": `{"Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"a"}]}`})
	}
	add(ingress, "zzz", create, nil, rule(22))
	add("aws_db_instance", "zzz", remove, map[string]any{"skip_final_snapshot": true}, nil)
	add("aws_iam_role_policy", "zzz", create, nil,
		map[string]any{"policy": `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`})
	add("aws_kms_key", "zzz", update, map[string]any{"enable_key_rotation": true},
		map[string]any{"enable_key_rotation": false})
	add("aws_nat_gateway", "zzz", create, nil, map[string]any{})
	p.ResourceDrift = []*tfjson.ResourceChange{{Address: "aws_vpc.zzz", Type: "aws_vpc",
		Change: &tfjson.Change{Actions: remove}}}
	text := New(&p).Markdown()
	assert.Less(t, len(text), 65_536)
	for _, line := range []string{
		"- `" + ingress + ".zzz`: **in from `0.0.0.0/0`: tcp 22**\n",
		"- `aws_db_instance.zzz`: **deleted**\n",
		"- `aws_db_instance.zzz`: database: delete; no final snapshot\n",
		"- `aws_db_instance.zzz`: deleted: what uses it stops working\n",
		"- `aws_iam_role_policy.zzz`: allows **any action** `*` on `*`\n",
		"- `aws_kms_key.zzz`: **weaker**, key rotation: `true` → `false`\n",
		"| `aws_nat_gateway.zzz` | 0.00 | 32.85 |\n",
		"- `aws_vpc.zzz`: was **deleted** outside Terraform\n",
	} {
		assert.Contains(t, text, line)
	}
	assert.Contains(t, text, "more\n", "something was dropped")
}

// A line that is too long is cut, and everything that it opens is closed.
func TestCut(t *testing.T) {
	for name, test := range map[string]struct {
		line string
		most int
		want string
	}{
		"fits":         {"- `a`: b\n", 9, "- `a`: b\n"},
		"at a word":    {"- `a`: one two three\n", 19, "- `a`: one …\n"},
		"not in code":  {"- `a b c d e f g h i j k` l m n o p q r s\n", 22, "- …\n"},
		"not in bold":  {"- **one two three** four\n", 16, "- **one…**\n"},
		"fence of two": {"- ``a ` b c d e f`` g h i j k l m n o p\n", 30, "- ``a ` b c d e f`` g h …\n"},
	} {
		got := cut(test.line, test.most)
		assert.Equal(t, test.want, got, name)
		assert.LessOrEqual(t, len(got), test.most, name)
	}
}

func TestLongLinesAreCutNotDropped(t *testing.T) {
	r := resource("aws_db_instance", tfjson.ActionDelete, tfjson.ActionCreate)
	before := map[string]any{}
	for i := range 500 {
		name := fmt.Sprintf("attribute_%03d", i)
		before[name] = strings.Repeat("ä", 200)
		r.Change.ReplacePaths = append(r.Change.ReplacePaths, []any{name})
	}
	r.Change.Before = before
	text := New(&tfjson.Plan{ResourceChanges: []*tfjson.ResourceChange{r}}).Markdown()
	assert.Contains(t, text, "- `aws_db_instance.it`: **replaced, deleted first**; `attribute_000`: ")
	assert.Contains(t, text, "…\n")
	assert.True(t, utf8.ValidString(text))
	assert.NotContains(t, text, "- and ")
}
