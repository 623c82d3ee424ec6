package platform

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/coder/websocket"
)

// startInstances gives PostgreSQL the user that RDS would have made, starts the
// service with the environment that its user data would have written, and puts
// it behind the load balancer.
func (p *Platform) startInstances(ctx context.Context, st *stores) error {
	cfg, err := p.AWS(ctx)
	if err != nil {
		return err
	}
	environ, err := p.userDataEnvironment(ctx, cfg)
	if err != nil {
		return err
	}
	if err := createMasterUser(ctx, cfg, st, environ); err != nil {
		return err
	}
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": emulatorURL, "AWS_ACCESS_KEY_ID": accessKey, "AWS_SECRET_ACCESS_KEY": accessKey,
		"DB_CA_FILE": st.postgres.CAFile, "CACHE_CA_FILE": st.valkey.CAFile, "LOG_FILE": "",
	} {
		environ[name] = value
	}
	p.record.Service = maps.Clone(environ)
	launch := p.record.launcher(p.logs())
	for i, port := range servicePorts {
		environ["LISTEN_ADDRESS"] = fmt.Sprintf("127.0.0.1:%d", port)
		cmd := exec.Command(filepath.Join(p.root, "build/backend/portfolio"))
		cmd.Dir, cmd.Env = p.local(""), environment(environ)
		if err := launch(fmt.Sprintf("service-%d", i+1), cmd); err != nil {
			return err
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		if err := await(ctx, time.Minute, ended, func(ctx context.Context) error {
			return get(ctx, fmt.Sprintf("http://127.0.0.1:%d/ready", port))
		}); err != nil {
			return fmt.Errorf("service instance %d: %w", i+1, err)
		}
	}
	return p.registerTargets(ctx, cfg)
}

// environmentFile is the part of the user data that writes the service's environment.
var environmentFile = regexp.MustCompile(`(?s)/etc/portfolio/portfolio\.env <<'EOF'\n(.*?)\nEOF\n`)

// userDataEnvironment reads the service's environment out of the launch template,
// just as an instance would come to it.
func (p *Platform) userDataEnvironment(ctx context.Context, cfg aws.Config) (map[string]string, error) {
	out, err := ec2.NewFromConfig(cfg).DescribeLaunchTemplateVersions(ctx, &ec2.DescribeLaunchTemplateVersionsInput{
		LaunchTemplateName: &p.names.LaunchTemplate, Versions: []string{"$Latest"},
	})
	if err != nil {
		return nil, err
	}
	if len(out.LaunchTemplateVersions) != 1 || out.LaunchTemplateVersions[0].LaunchTemplateData.UserData == nil {
		return nil, errors.New("the launch template has no user data")
	}
	userData, err := base64.StdEncoding.DecodeString(*out.LaunchTemplateVersions[0].LaunchTemplateData.UserData)
	if err != nil {
		return nil, fmt.Errorf("user data: %w", err)
	}
	return parseEnvironment(string(userData))
}

// parseEnvironment finds the lines NAME='value' of the service's environment file.
func parseEnvironment(userData string) (map[string]string, error) {
	match := environmentFile.FindStringSubmatch(userData)
	if match == nil {
		return nil, errors.New("user data writes no /etc/portfolio/portfolio.env")
	}
	environ := map[string]string{}
	for line := range strings.Lines(match[1]) {
		name, value, found := strings.Cut(strings.TrimSpace(line), "=")
		if !found {
			return nil, fmt.Errorf("user data: got %q in the environment file, want NAME='value'", line)
		}
		environ[name] = strings.Trim(value, "'")
	}
	return environ, nil
}

// createMasterUser makes the real PostgreSQL what the emulator's RDS claims to be.
func createMasterUser(ctx context.Context, cfg aws.Config, st *stores, environ map[string]string) error {
	out, err := secretsmanager.NewFromConfig(cfg).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{
		SecretId: aws.String(environ["DB_SECRET_ARN"]),
	})
	if err != nil {
		return err
	}
	var master struct{ Username, Password string }
	if err := json.Unmarshal([]byte(*out.SecretString), &master); err != nil {
		return errors.New("the database's secret is not {username, password}")
	}
	return st.postgres.CreateDatabase(ctx, environ["DB_NAME"], master.Username, master.Password)
}

func (p *Platform) registerTargets(ctx context.Context, cfg aws.Config) error {
	client := elasticloadbalancingv2.NewFromConfig(cfg)
	groups, err := client.DescribeTargetGroups(ctx, &elasticloadbalancingv2.DescribeTargetGroupsInput{Names: []string{p.names.TargetGroup}})
	if err != nil {
		return err
	}
	// Instance ids lead nowhere here, but host names do. Two different ones, since
	// the emulator takes a host with another port for the same target.
	var targets []elbtypes.TargetDescription
	for i, host := range []string{"127.0.0.1", "localhost"} {
		targets = append(targets, elbtypes.TargetDescription{Id: &host, Port: aws.Int32(int32(servicePorts[i]))})
	}
	_, err = client.RegisterTargets(ctx, &elasticloadbalancingv2.RegisterTargetsInput{
		TargetGroupArn: groups.TargetGroups[0].TargetGroupArn, Targets: targets,
	})
	return err
}

// ping fills in the endpoints and sends one message through all of the platform.
func (p *Platform) ping(ctx context.Context) error {
	api, err := p.Output("websocket-api-id")
	if err != nil {
		return err
	}
	p.Endpoints = Endpoints{
		AWS:       emulatorURL,
		WebSocket: fmt.Sprintf("ws://%s.execute-api.localhost:%d/prod", api, emulatorPort),
		API:       emulatorURL + "/_alb/" + p.names.LoadBalancer,
	}
	if err := get(ctx, p.Endpoints.API+"/health"); err != nil {
		return fmt.Errorf("service behind the load balancer: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	key, err := p.CreateKey(ctx, "platform", "ping", "read")
	if err != nil {
		return err
	}
	socket, err := p.Connect(ctx, key)
	if err != nil {
		return err
	}
	defer socket.CloseNow()
	if err := socket.Write(ctx, websocket.MessageText, []byte(`{"action":"ping"}`)); err != nil {
		return err
	}
	_, answer, err := socket.Read(ctx)
	if err != nil {
		return err
	}
	if want := `{"type":"pong"}`; strings.TrimSpace(string(answer)) != want {
		return fmt.Errorf("got %s, want %s", answer, want)
	}
	return nil
}

// Connect opens a WebSocket with an API key.
func (p *Platform) Connect(ctx context.Context, key string) (*websocket.Conn, error) {
	ticket, err := p.Ticket(ctx, key)
	if err != nil {
		return nil, err
	}
	return p.Dial(ctx, "ticket="+ticket)
}

// Ticket asks the service for a ticket, which lets Dial in once, with an API key.
func (p *Platform) Ticket(ctx context.Context, key string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.Endpoints.API+"/v1/ws-tickets", http.NoBody)
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", "Bearer "+key)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("POST /v1/ws-tickets: got status %d, want %d", response.StatusCode, http.StatusCreated)
	}
	var answer struct{ Ticket string }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return "", fmt.Errorf("POST /v1/ws-tickets: %w", err)
	}
	return answer.Ticket, nil
}

// Dial opens a WebSocket with a query such as "ticket=…", or none.
func (p *Platform) Dial(ctx context.Context, query string) (*websocket.Conn, error) {
	url := p.Endpoints.WebSocket
	if query != "" {
		url += "?" + query
	}
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	client := &http.Client{Transport: &http.Transport{
		// The name need not be known to DNS.
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, fmt.Sprintf("127.0.0.1:%d", emulatorPort))
		},
	}}
	socket, response, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: client})
	if err != nil {
		return nil, err
	}
	if response.Body != nil {
		response.Body.Close()
	}
	return socket, nil
}
