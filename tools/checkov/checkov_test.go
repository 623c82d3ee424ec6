package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var recorded = []finding{
	{"CKV2_AWS_28", "Ensure public facing ALB are protected by WAF", "compute/load-balancer/alb"},
	{"CKV_AWS_116", "Ensure that AWS Lambda function is configured for a Dead Letter Queue(DLQ)", "api/handler"},
	{"CKV_AWS_394", "Ensure aws_availability_zones data source pins zone identity so its result set does not silently expand when AWS adds an Availability Zone", "network/zones"},
}

// fakeCheckov writes a program that records its arguments and input in folder and
// prints the report.
func fakeCheckov(t *testing.T, folder, report string, status string) string {
	t.Helper()
	report, err := filepath.Abs(report)
	require.NoError(t, err)
	program := filepath.Join(folder, "checkov")
	script := "#!/bin/sh\necho \"$@\" >'" + folder + "/arguments'\ncp cdk.tf.json '" + folder + "'\nenv >'" +
		folder + "/environment'\n" +
		"cat '" + report + "'\necho 'went wrong' >&2\nexit " + status + "\n"
	require.NoError(t, os.WriteFile(program, []byte(script), 0o700))
	return program
}

func TestRunCheckov(t *testing.T) {
	t.Setenv("BC_API_KEY", "secret")
	folder := t.TempDir()
	s, err := readStack("testdata/cdk.tf.json")
	require.NoError(t, err)
	got, err := runCheckov(t.Context(), fakeCheckov(t, folder, "testdata/report.json", "0"), s)
	require.NoError(t, err)
	assert.Equal(t, result{Passed: 225, Failed: recorded}, got)

	arguments, err := os.ReadFile(filepath.Join(folder, "arguments"))
	require.NoError(t, err)
	assert.Contains(t, string(arguments), "--skip-download")
	environment, err := os.ReadFile(filepath.Join(folder, "environment"))
	require.NoError(t, err)
	assert.NotContains(t, string(environment), "BC_API_KEY", "checkov would report to its vendor")
	// checkov skips files with a required_version.
	var seen map[string]any
	text, err := os.ReadFile(filepath.Join(folder, "cdk.tf.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &seen))
	assert.Len(t, seen, 3)
	assert.Subset(t, []string{"provider", "data", "resource"}, keys(seen))
}

func keys(m map[string]any) (names []string) {
	for name := range m {
		names = append(names, name)
	}
	return names
}

func TestRunCheckovFails(t *testing.T) {
	s, err := readStack("testdata/cdk.tf.json")
	require.NoError(t, err)
	_, err = runCheckov(t.Context(), fakeCheckov(t, t.TempDir(), "testdata/report.json", "2"), s)
	require.ErrorContains(t, err, "exit status 2: went wrong")
	_, err = runCheckov(t.Context(), "testdata/none", s)
	require.ErrorIs(t, err, os.ErrNotExist)
}

// checkov exits with success for all of these, although it checked nothing.
func TestParseReportRefuses(t *testing.T) {
	for report, want := range map[string]string{
		`{"results":{"failed_checks":[]},"summary":{"passed":0,"failed":0,"parsing_errors":1}}`: "got 1 parsing errors and 0 passed checks",
		`{"passed":0,"failed":0,"resource_count":0}`:                                            "got 0 parsing errors and 0 passed checks",
		`[]`: "cannot unmarshal",
		``:   "unexpected end",
	} {
		_, err := parseReport([]byte(report), nil)
		require.ErrorContains(t, err, want, "parseReport(%s)", report)
	}
}

func TestReadStackRefuses(t *testing.T) {
	for name, text := range map[string]string{"text": "not JSON", "shape": `{"resource":[]}`} {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := readStack(path)
		require.ErrorContains(t, err, path)
	}
}

func TestJudge(t *testing.T) {
	day := func(text string) date {
		d, err := time.Parse(time.DateOnly, text)
		require.NoError(t, err)
		return date{d}
	}
	now := day("2026-11-24").Add(12 * time.Hour)
	all := []waiver{
		{"CKV2_AWS_28", []string{"compute/load-balancer/alb"}, "r1", day("2026-11-25")},
		{"CKV_AWS_116", []string{"api/handler"}, "r2", day("2027-11-24")},
		{"CKV_AWS_394", []string{"network/zones"}, "r3", day("2027-11-24")},
	}
	assert.Empty(t, judge(recorded, all, now))
	assert.Equal(t, []string{"network/zones: CKV_AWS_394: " + recorded[2].Name}, judge(recorded, all[:2], now))
	assert.Equal(t, []string{"network/zones: CKV_AWS_394: waived, but it does not fail"}, judge(recorded[:2], all, now))
	assert.Equal(t, []string{"compute/load-balancer/alb: CKV2_AWS_28: waiver expired on 2026-11-25: r1"},
		judge(recorded, all, day("2026-11-25").Time), "a waiver is not valid on the day it expires")
	// A waiver is for one check and its resources.
	assert.Equal(t, []string{"api/handler: CKV_AWS_116: " + recorded[1].Name,
		"api/handler: CKV_AWS_117: waived, but it does not fail"},
		judge(recorded[1:2], []waiver{{"CKV_AWS_117", []string{"api/handler"}, "r", day("2027-11-24")}}, now))
	// A waiver's resource that does not fail is reported; the others stay waived.
	assert.Equal(t, []string{"api/other: CKV_AWS_116: waived, but it does not fail"},
		judge(recorded[1:2], []waiver{{"CKV_AWS_116", []string{"api/handler", "api/other"}, "r", day("2027-11-24")}},
			now))
}

func TestReadWaivers(t *testing.T) {
	for text, want := range map[string]string{
		`[{"check":"C","resources":["r"],"reason":" ","expires":"2027-11-30"}]`:           "want check, resources, reason and expires",
		`[{"check":"C","resources":[],"reason":"x","expires":"2027-11-30"}]`:              "want check, resources, reason and expires",
		`[{"check":"C","resources":["r"],"reason":"x"}]`:                                  "want check, resources, reason and expires",
		`[{"check":"C","resources":["r"],"reason":"x","expires":"30.11.2027"}]`:           "30.11.2027",
		`[{"check":"C","resource":"r","reason":"x","expires":"2027-11-30"}]`:              `unknown field "resource"`,
		`[{"check":"C","resources":["r"],"reason":"x","expires":"2027-11-30T00:00:00Z"}]`: "cannot parse",
	} {
		path := filepath.Join(t.TempDir(), "waivers.json")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := readWaivers(path)
		require.ErrorContains(t, err, want, text)
	}
	waivers, err := readWaivers(filepath.Join("..", "..", waiversPath))
	require.NoError(t, err)
	assert.NotEmpty(t, waivers)
}

func TestRun(t *testing.T) {
	top := t.TempDir()
	stackPath, err := filepath.Abs("testdata/cdk.tf.json")
	require.NoError(t, err)
	report, err := filepath.Abs("testdata/report.json")
	require.NoError(t, err)
	t.Chdir(top)
	lint := func(args ...string) (int, string, string) {
		var stdout, stderr bytes.Buffer
		status := run(t.Context(), args, &stdout, &stderr)
		return status, stdout.String(), stderr.String()
	}

	status, _, problems := lint()
	assert.Equal(t, exitUnable, status)
	assert.Contains(t, problems, "usage: ")
	status, _, problems = lint(stackPath, "other.json")
	assert.Equal(t, exitUnable, status)
	assert.Equal(t, "checkov: open other.json: no such file or directory\n", problems)
	status, _, problems = lint(stackPath)
	assert.Equal(t, exitUnable, status)
	assert.Equal(t, "checkov: open .ci/checkov/waivers.json: no such file or directory\n", problems)

	require.NoError(t, os.MkdirAll(filepath.Dir(waiversPath), 0o700))
	require.NoError(t, os.MkdirAll(filepath.Dir(checkovPath), 0o700))
	fakeCheckov(t, filepath.Dir(checkovPath), report, "0")
	require.NoError(t, os.WriteFile(waiversPath, []byte(`[
		{"check":"CKV2_AWS_28","resources":["compute/load-balancer/alb"],"reason":"x","expires":"2999-01-01"},
		{"check":"CKV_AWS_394","resources":["network/zones"],"reason":"x","expires":"2999-01-01"}]`), 0o600))
	status, out, _ := lint(stackPath)
	assert.Equal(t, exitProblems, status)
	assert.Equal(t, "api/handler: CKV_AWS_116: "+recorded[1].Name+"\ncheckov: 225 checks passed, 3 failed, 1 problems\n", out)
}
