package stacks

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// userData has values as long as Terraform's real ones.
var userData = UserData{
	Region:         "ap-southeast-2",
	ArtifactBucket: "portfolio-artifacts-abcdefghijklmnop-123456789012",
	ArtifactKey:    "service/" + strings.Repeat("5", 64) + "/portfolio",
	ArtifactSHA256: strings.Repeat("5", 64),
	LogGroup:       "/portfolio/portfolio-service-abcdefghijklmnop",
	Environment: []EnvVar{
		{"ENVIRONMENT_SUFFIX", "abcdefghijklmnop"},
		{"DB_HOST", "portfolio-holdings-db-abcdefghijklmnop.c0123456789a.ap-southeast-2.rds.amazonaws.com"},
		{"DB_OWNER_SECRET_ARN", "arn:aws:secretsmanager:ap-southeast-2:123456789012:secret:portfolio-holdings-db-abcdefghijklmnop-20260101000000000000000002-AbCdEf"},
		{"DB_SECRET_ARN", "arn:aws:secretsmanager:ap-southeast-2:123456789012:secret:portfolio-holdings-db-abcdefghijklmnop/service-20260101000000000000000001-AbCdEf"},
		{"CACHE_ENDPOINT", "portfolio-market-cache-abcdefghijklmnop-abc123.serverless.apse2.cache.amazonaws.com:6379"},
		{"HISTORY_BUCKET", "portfolio-hist-abcdefghijklmnop-123456789012"},
		{"SIGNING_SECRET_ARN", "arn:aws:secretsmanager:ap-southeast-2:123456789012:secret:portfolio-signing-key-abcdefghijklmnop-20260101000000000000000001-AbCdEf"},
	},
}

func TestUserDataIsCloudConfigThenScript(t *testing.T) {
	message, err := mail.ReadMessage(strings.NewReader(userData.Render()))
	require.NoError(t, err)
	kind, parameters, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	require.NoError(t, err)
	assert.Equal(t, "multipart/mixed", kind)
	assert.Equal(t, "1.0", message.Header.Get("MIME-Version"))

	var kinds, texts []string
	parts := multipart.NewReader(message.Body, parameters["boundary"])
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		text, err := io.ReadAll(part)
		require.NoError(t, err)
		kinds, texts = append(kinds, part.Header.Get("Content-Type")), append(texts, string(text))
	}
	require.Equal(t, []string{"text/cloud-config", "text/x-shellscript"}, kinds)
	// Updates at first boot can outlast the grace period.
	assert.Regexp(t, `(?m)^#cloud-config\n(.*\n)*repo_upgrade: none$`, texts[0])
	assert.Equal(t, userData.script(), texts[1])
	assert.True(t, strings.HasPrefix(texts[1], "#!/bin/bash\n"), "cloud-init runs only what starts with #!")
}

func TestUserDataSurvivesTerraform(t *testing.T) {
	text := userData.Render()
	assert.Equal(t, text, userData.Render(), "another text would be another launch template")
	// EC2 counts the bytes before base64.
	assert.Less(t, len(text), 16384)
	// Terraform would evaluate these.
	assert.NotContains(t, text, "${")
	assert.NotContains(t, text, "%{")
	for i, r := range text {
		if r != '\n' && (r < ' ' || r > '~') {
			t.Fatalf("Render()[%d] = %q, want printable ASCII or a line feed", i, r)
		}
	}
}

func TestUserDataPlacesTokensUnread(t *testing.T) {
	values := []string{"${TfToken[TOKEN.7]}", "${aws_s3_bucket.x.id}", `${filesha256("../x")}`, `a\b"c$d%e`}
	for _, value := range values {
		u := UserData{Region: value, ArtifactBucket: value, ArtifactKey: value, ArtifactSHA256: value, LogGroup: value,
			Environment: []EnvVar{{"NAME", value}}}
		text := u.script()
		for _, line := range []string{
			"region='" + value + "'", "artifact='s3://" + value + "/" + value + "'", "sha256='" + value + "'",
			"\nNAME='" + value + "'\n",
		} {
			assert.Contains(t, text, line)
		}
	}
	agent := UserData{Region: values[0], LogGroup: values[1]}.AgentConfig()
	assert.Contains(t, agent, values[0])
	assert.Contains(t, agent, values[1])
}

func TestUserDataEnvironment(t *testing.T) {
	callers := make([]EnvVar, 1, 10) // capacity that a careless append would write into
	callers[0] = EnvVar{"DB_PORT", "5432"}
	text := UserData{Environment: callers}.script()
	assert.Contains(t, text, "DB_PORT='5432'\nLISTEN_ADDRESS=':80'\nLOG_FILE='/var/log/portfolio/portfolio.log'\nDB_CA_FILE='/etc/portfolio/rds-ca.pem'\nEOF\n")
	assert.Equal(t, EnvVar{}, callers[:2][1])
}

func TestAgentConfig(t *testing.T) {
	var c struct {
		Agent struct {
			Region string
		}
		Metrics struct {
			Namespace             string
			AppendDimensions      map[string]string                         `json:"append_dimensions"`
			AggregationDimensions [][]string                                `json:"aggregation_dimensions"`
			Collected             map[string]struct{ Measurement []string } `json:"metrics_collected"`
		}
		Logs struct {
			Collected struct {
				Files struct {
					List []map[string]string `json:"collect_list"`
				}
			} `json:"logs_collected"`
		}
	}
	text := userData.AgentConfig()
	require.NoError(t, json.Unmarshal([]byte(text), &c))
	assert.Equal(t, "ap-southeast-2", c.Agent.Region)
	assert.Equal(t, "CWAgent", c.Metrics.Namespace)
	assert.Equal(t, map[string]string{"AutoScalingGroupName": "${aws:AutoScalingGroupName}",
		"InstanceId": "${aws:InstanceId}"}, c.Metrics.AppendDimensions)
	assert.Equal(t, [][]string{{"AutoScalingGroupName"}}, c.Metrics.AggregationDimensions)
	assert.Equal(t, []string{"mem_used_percent"}, c.Metrics.Collected["mem"].Measurement)
	assert.Equal(t, []string{"disk_used_percent"}, c.Metrics.Collected["disk"].Measurement)
	assert.Equal(t, []map[string]string{
		{"file_path": "/var/log/portfolio/portfolio.log", "log_group_name": userData.LogGroup, "log_stream_name": "{instance_id}"},
		{"file_path": "/var/log/cloud-init-output.log", "log_group_name": userData.LogGroup, "log_stream_name": "{instance_id}/boot"},
	}, c.Logs.Collected.Files.List)
	// Agents before mid-2026 do not start with a journald section. A retention would need rights.
	assert.NotContains(t, text, "journald")
	assert.NotContains(t, text, "retention")
}

// These checks need only the text; userdata_boot_test.go runs the script.
func TestBootScriptAvoids(t *testing.T) {
	commands := regexp.MustCompile(`(?m)^#.*$`).ReplaceAllString(userData.script(), "")
	for trap, text := range map[string]string{
		"answers need a token, and no step needs the metadata service": "169.254.169.254",
		"file capabilities and NoNewPrivileges exclude each other":     "setcap",
		"no rsyslog on Amazon Linux 2023":                              "/var/log/messages",
		"conflicts with curl-minimal":                                  "install curl",
		"not on Amazon Linux 2023":                                     "amazon-linux-extras",
		"the repositories are locked to the image's release":           "upgrade -y",
		"systemd 219 does not know it":                                 "enable --now",
		"AWS CLI 1 does not know it":                                   "--no-cli-pager",
	} {
		assert.NotContains(t, commands, text, trap)
	}
}

func TestBootScriptIsCleanShell(t *testing.T) {
	path := filepath.Join(t.TempDir(), "boot.sh")
	require.NoError(t, os.WriteFile(path, []byte(userData.script()), 0o600))
	for _, command := range [][]string{
		{"bash", "-n", path},
		{tool(t, "shellcheck", "python"), path, "testdata/machine.sh"},
	} {
		output, err := exec.Command(command[0], command[1:]...).CombinedOutput()
		require.NoError(t, err, "%s", output)
	}
}

// tool returns the path of a checker that make installs below build/tools, or of the
// machine's own.
func tool(t *testing.T, name, folder string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "build", "tools", folder, "bin", name))
	require.NoError(t, err)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	path, err = exec.LookPath(name)
	require.NoError(t, err, "make installs it")
	return path
}
