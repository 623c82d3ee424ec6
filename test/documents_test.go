package test

import (
	"fmt"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"portfolio/ops/plan"

	"github.com/sebdah/goldie/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The runbook has an entry for every alarm, and none for an alarm that does not exist.
// A heading may end in * for one alarm in each zone.
func TestEveryAlarmHasARunbook(t *testing.T) {
	text := document(t, "docs/operations.md")
	_, runbooks, found := strings.Cut(text, "\n## Alarms\n")
	require.True(t, found)
	unused := map[string]bool{}
	for _, heading := range regexp.MustCompile(`(?m)^### (\S+)\n\n- \*\*Means:\*\* (?s:.*?)\n- \*\*Look:\*\* (?s:.*?)\n- \*\*Do:\*\* `).FindAllStringSubmatch(runbooks, -1) {
		unused[heading[1]] = true
	}
	require.Len(t, unused, strings.Count(runbooks, "\n### "),
		"each entry says what it means, where to look and what to do")
	headings := map[string]bool{}
	for heading := range unused {
		headings[heading] = true
	}
	for _, profile := range profiles {
		m := modelOf(t, ofProfile("test", profile))
		for _, alarm := range m.of("aws_cloudwatch_metric_alarm") {
			name := strings.TrimSuffix(strings.TrimPrefix(m.text(alarm, "alarm_name"), "portfolio-"), "-test")
			known := false
			for heading := range headings {
				if matches, err := path.Match(heading, name); err == nil && matches {
					known = true
					delete(unused, heading)
				}
			}
			assert.True(t, known, "%s: alarm %s has no entry in docs/operations.md", profile, name)
		}
	}
	assert.Empty(t, unused, "entries of docs/operations.md without an alarm")
}

// document reads a file of the repository.
func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../" + name)
	require.NoError(t, err)
	return string(text)
}

// The README's table lists every output, and nothing else.
func TestReadmeHasEveryOutput(t *testing.T) {
	_, section, found := strings.Cut(document(t, "README.md"), "\n## Outputs\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	var documented []string
	for _, row := range regexp.MustCompile(`(?m)^\| (.+?) \|`).FindAllStringSubmatch(section, -1) {
		for _, name := range regexp.MustCompile("`([a-z0-9-]+)`").FindAllStringSubmatch(row[1], -1) {
			documented = append(documented, name[1])
		}
	}
	outputs := synthProfile(t, "standard").JSON["output"].(map[string]any)
	assert.ElementsMatch(t, slices.Collect(maps.Keys(outputs)), documented)
}

// docs/cost.md is computed from the price table and the synthesized stacks; make docs
// accepts a change.
func TestDocumentsCost(t *testing.T) {
	var environments []plan.Environment
	for _, profile := range profiles {
		environments = append(environments, plan.Environment{Profile: profile, Stack: synthProfile(t, profile).Text})
	}
	page, err := plan.CostPage(environments)
	require.NoError(t, err)
	goldie.New(t, goldie.WithFixtureDir("../docs"), goldie.WithNameSuffix(".md"),
		goldie.WithDiffEngine(goldie.ColoredDiff)).
		Assert(t, "cost", []byte(page))
	readme := document(t, "README.md")
	for _, profile := range []string{"standard", "preview"} {
		found := regexp.MustCompile(`## ` + profile + `\n\n([0-9.]+) USD a month`).FindStringSubmatch(page)
		require.NotNil(t, found, profile)
		month, err := strconv.ParseFloat(found[1], 64)
		require.NoError(t, err)
		assert.Regexp(t, fmt.Sprintf("`%s` (costs )?(some |about )?%.0f USD", profile, month), readme)
	}
}
