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

// What the instance and its service agree on; the templates name the same paths.
const (
	listenAddress = ":80"
	serviceLog    = "/var/log/portfolio/portfolio.log"
	databaseCA    = "/etc/portfolio/rds-ca.pem"
)

// UserData is what an instance needs at boot. Values may be Terraform tokens, so
// they are placed, never parsed: what they resolve to holds no single quote and
// no line break, as names, ARNs, hashes and host names do.
type UserData struct {
	Region         string
	ArtifactBucket string
	ArtifactKey    string // of the service's binary
	ArtifactSHA256 string // of the service's binary, in hex
	LogGroup       string // exists already; the agent must not make it
	Environment    []EnvVar
}

// EnvVar is one environment variable of the service.
type EnvVar struct{ Name, Value string }

//go:embed templates
var templateFiles embed.FS

var userDataTemplates = template.Must(template.ParseFS(templateFiles, "templates/*"))

// Render returns the complete user data, before base64: equal input gives equal
// bytes, ASCII, with line feeds only and without "${" or "%{" of its own, so it
// can stand in a Terraform string. To Environment it adds LISTEN_ADDRESS,
// LOG_FILE and DB_CA_FILE, which are the instance's.
//
// It is a multipart message because the package updates that cloud-config turns
// off would run before any script.
func (u UserData) Render() string {
	var message bytes.Buffer
	parts := multipart.NewWriter(&message)
	// The default boundary is random, which would replace every instance at each apply.
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

// script is the shell script alone.
func (u UserData) script() string { return u.execute("boot.sh") }

func (u UserData) execute(name string) string {
	u.Environment = append(u.Environment[:len(u.Environment):len(u.Environment)],
		EnvVar{"LISTEN_ADDRESS", listenAddress}, EnvVar{"LOG_FILE", serviceLog}, EnvVar{"DB_CA_FILE", databaseCA})
	var text strings.Builder
	check(userDataTemplates.ExecuteTemplate(&text, name, u))
	return text.String()
}

// AgentConfig is the CloudWatch agent's configuration, JSON. Memory and disk go
// to the agent's own namespace, where Compute Optimizer also looks, once per
// instance and once per Auto Scaling group: dashboards name only the group, whose
// name tells environments apart. No retention is named anywhere, or the agent
// would try to set it.
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
				"disk": object{"measurement": []string{"disk_used_percent"}, "resources": []string{"/"}, "drop_device": true},
			},
		},
		"logs": object{"logs_collected": object{"files": object{"collect_list": []object{
			{"file_path": serviceLog, "log_group_name": u.LogGroup, "log_stream_name": "{instance_id}"},
			{"file_path": "/var/log/cloud-init-output.log", "log_group_name": u.LogGroup, "log_stream_name": "{instance_id}/boot"},
		}}}},
	})
}

// agentVariable is a value that the agent fills in, with its dollar sign escaped:
// Terraform would take "${aws:…}" for an expression of its own.
func agentVariable(name string) json.RawMessage {
	return json.RawMessage(`"\u0024{aws:` + name + `}"`)
}

// check panics: the embedded templates and a buffer in memory can fail only by a
// mistake in this file, which no configuration brings about.
func check(err error) {
	if err != nil {
		panic(fmt.Errorf("user data: %w", err))
	}
}
