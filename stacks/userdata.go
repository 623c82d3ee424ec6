package stacks

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/textproto"
	"strings"
	"text/template"
)

// The service's settings that depend on the instance; the templates use the same paths.
const (
	listenAddress = ":80"
	serviceLog    = "/var/log/portfolio/portfolio.log"
	databaseCA    = "/etc/portfolio/rds-ca.pem"
)

// UserData is what an instance needs at boot. Values may be Terraform tokens, which
// are inserted, never parsed; they must resolve to text without single quotes and
// line breaks, as names, ARNs, hashes and host names do.
type UserData struct {
	Region         string
	ArtifactBucket string
	ArtifactKey    string // of the service's binary
	ArtifactSHA256 string // of the service's binary, in hex
	LogGroup       string // exists already; the agent must not create it
	Environment    []EnvVar
}

// EnvVar is one environment variable of the service.
type EnvVar struct{ Name, Value string }

//go:embed templates
var templateFiles embed.FS

var userDataTemplates = template.Must(template.ParseFS(templateFiles, "templates/*"))

// Render returns the complete user data, before base64. Equal input results in equal bytes:
// ASCII with line feeds, without "${" and "%{" except in tokens, so that the text can
// be part of a Terraform string. It adds LISTEN_ADDRESS, LOG_FILE and DB_CA_FILE to
// Environment.
//
// The user data is a multipart message because only its cloud-config part can turn
// off the package updates that run before any script.
func (u UserData) Render() string {
	var message bytes.Buffer
	parts := multipart.NewWriter(&message)
	// The default boundary is random and would replace every instance on each apply.
	check(parts.SetBoundary("portfolio-user-data"))
	fmt.Fprintf(&message, "Content-Type: multipart/mixed; boundary=%q\nMIME-Version: 1.0\n\n", parts.Boundary())
	for _, part := range []struct{ contentType, text string }{
		{"text/cloud-config", u.execute("cloud-config.yaml")},
		{"text/x-shellscript", u.script()},
	} {
		w, err := parts.CreatePart(textproto.MIMEHeader{"Content-Type": {part.contentType}})
		check(err)
		fmt.Fprint(w, part.text)
	}
	check(parts.Close())
	// A bare carriage return does not survive a Terraform string, and cloud-init needs none.
	return strings.ReplaceAll(message.String(), "\r\n", "\n")
}

// script returns only the shell script.
func (u UserData) script() string { return u.execute("boot.sh") }

func (u UserData) execute(name string) string {
	u.Environment = append(u.Environment[:len(u.Environment):len(u.Environment)],
		EnvVar{"LISTEN_ADDRESS", listenAddress}, EnvVar{"LOG_FILE", serviceLog}, EnvVar{"DB_CA_FILE", databaseCA})
	var text strings.Builder
	check(userDataTemplates.ExecuteTemplate(&text, name, u))
	return text.String()
}

// AgentConfig returns the CloudWatch agent's configuration as JSON. Memory and disk
// are published in the agent's own namespace, which Compute Optimizer reads, for each
// instance and for the Auto Scaling group, whose name the dashboard uses. It sets no
// retention, which would need rights.
func (u UserData) AgentConfig() string {
	type object = map[string]any
	return *jsonDocument(object{
		"agent": object{"region": u.Region, "metrics_collection_interval": 60},
		"metrics": object{
			"namespace": "CWAgent",
			"append_dimensions": object{
				"AutoScalingGroupName": agentVariable("AutoScalingGroupName"),
				"InstanceId":           agentVariable("InstanceId"),
			},
			"aggregation_dimensions": [][]string{{"AutoScalingGroupName"}},
			"metrics_collected": object{
				"mem": object{"measurement": []string{"mem_used_percent"}},
				// Without the device, whose name differs between instance types.
				"disk": object{"measurement": []string{"disk_used_percent"},
					"resources": []string{"/"}, "drop_device": true},
			},
		},
		"logs": object{"logs_collected": object{"files": object{"collect_list": []object{
			{"file_path": serviceLog, "log_group_name": u.LogGroup, "log_stream_name": "{instance_id}"},
			{"file_path": "/var/log/cloud-init-output.log", "log_group_name": u.LogGroup,
				"log_stream_name": "{instance_id}/boot"},
		}}}},
	})
}

// agentVariable returns a variable of the agent's. Its dollar sign is escaped, or
// Terraform would evaluate "${aws:…}".
func agentVariable(name string) json.RawMessage {
	return json.RawMessage(`"\u0024{aws:` + name + `}"`)
}

// check panics on an error: executing the embedded templates into memory fails only
// because of a mistake in this package.
func check(err error) {
	if err != nil {
		panic(fmt.Errorf("user data: %w", err))
	}
}
