package platform

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"portfolio/config/tfstate"
	"portfolio/contract/setting"
	"portfolio/contract/wire"
	"portfolio/local/servers"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/coder/websocket"
)

// startInstances creates the user in PostgreSQL that RDS would have created, starts
// the service with the environment that its user data would have written, and registers
// it with the load balancer.
func (p *Platform) startInstances(ctx context.Context, st *parts, held reservations) error {
	cfg, err := p.AWS(ctx)
	if err != nil {
		return err
	}
	userData, profile, err := p.launchTemplate(ctx)
	if err != nil {
		return err
	}
	environ, err := parseEnvironment(userData)
	if err != nil {
		return err
	}
	if err := createMasterUser(ctx, cfg, st, environ); err != nil {
		return err
	}
	socket, err := p.socketURL()
	if err != nil {
		return err
	}
	maps.Copy(environ, map[string]string{
		"AWS_ENDPOINT_URL": p.emulatorURL(), "AWS_CONTAINER_CREDENTIALS_FULL_URI": p.credentialsURL(profile),
		"DB_PORT": strconv.Itoa(st.postgres.Port), "DB_CA_FILE": st.postgres.CAFile, "CACHE_CA_FILE": st.valkey.CAFile,
		"LOG_FILE": "", "WEBSOCKET_URL": socket,
	})
	maps.Copy(environ, sourceSettings(p.environ))
	p.record.Service = maps.Clone(environ)
	if keys := p.environ[sourceKeys]; keys != "" { // not recorded: keys do not belong in a file
		p.record.SourceKeys, environ[sourceKeys] = true, keys
	}
	unlock, err := lockPorts(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	held.release()
	for i := range p.record.Ports.Services {
		if err := p.startInstance(ctx, i, environ); err != nil {
			return fmt.Errorf("service instance %d: %w", i+1, err)
		}
	}
	balancer, err := p.balancer(ctx)
	if err != nil {
		return err
	}
	for i := range p.record.Ports.Services {
		if err := balancer.register(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// sourceKeys is the variable with the keys of sources of prices.
const sourceKeys = "QUOTE_SOURCE_KEYS"

// sourceSettings are the service's settings about sources of prices on this machine, without
// keys. Unless its environment names a source, none is asked, whatever the default on AWS.
func sourceSettings(environ map[string]string) map[string]string {
	settings := map[string]string{"QUOTE_SOURCES": cmp.Or(environ["QUOTE_SOURCES"], setting.NoSources)}
	for _, name := range []string{"QUOTE_SOURCE_URLS", "QUOTE_REPLAY_FILE"} {
		if value := environ[name]; value != "" {
			settings[name] = value
		}
	}
	return settings
}

// startInstance starts an instance and waits until it is ready.
func (p *Platform) startInstance(ctx context.Context, i int, environ map[string]string) error {
	address := net.JoinHostPort(servers.Host, strconv.Itoa(p.record.Ports.Services[i]))
	environ["LISTEN_ADDRESS"] = address
	cmd := exec.Command(filepath.Join(p.root, machineService))
	cmd.Dir, cmd.Env = p.folder, environment(environ)
	instance, err := servers.Start(instanceName(i), cmd, p.record.launcher(p.logs()))
	if err != nil {
		return err
	}
	return instance.Await(ctx, func(ctx context.Context) error { return get(ctx, "http://"+address+"/ready") })
}

// environmentFile matches the part of the user data that writes the service's environment.
var environmentFile = regexp.MustCompile(`(?s)/etc/portfolio/portfolio\.env <<'EOF'\n(.*?)\nEOF\n`)

// launchTemplate returns the user data and the name of the instance profile of the group's
// instances. Terraform's state has them: EC2's client would take half a minute to compile.
func (p *Platform) launchTemplate(ctx context.Context) (userData, profile string, err error) {
	tf, err := p.Terraform(ctx)
	if err != nil {
		return "", "", err
	}
	text, err := tf.StatePull(ctx)
	if err != nil {
		return "", "", err
	}
	state, err := tfstate.Read([]byte(text))
	if err != nil {
		return "", "", err
	}
	templates := slices.DeleteFunc(state.Managed(),
		func(r tfstate.Resource) bool { return r.Type != "aws_launch_template" })
	if len(templates) != 1 {
		return "", "", fmt.Errorf("launch templates: got %d, want 1", len(templates))
	}
	attributes, err := json.Marshal(templates[0].Instances[0].Attributes)
	if err != nil {
		return "", "", err
	}
	var template struct {
		UserData []byte                 `json:"user_data"` // in base64
		Profiles []struct{ ARN string } `json:"iam_instance_profile"`
	}
	if err := json.Unmarshal(attributes, &template); err != nil {
		return "", "", fmt.Errorf("launch template: %w", err)
	}
	if len(template.Profiles) != 1 || template.Profiles[0].ARN == "" {
		return "", "", errors.New("the launch template has no instance profile")
	}
	return string(template.UserData), path.Base(template.Profiles[0].ARN), nil
}

// parseEnvironment finds the lines NAME='value' of the service's environment file.
func parseEnvironment(userData string) (map[string]string, error) {
	match := environmentFile.FindStringSubmatch(userData)
	if match == nil {
		return nil, errors.New("user data does not write /etc/portfolio/portfolio.env")
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

// createMasterUser creates in the real PostgreSQL the database and the user that the
// emulator's RDS instance has.
func createMasterUser(ctx context.Context, cfg aws.Config, st *parts, environ map[string]string) error {
	out, err := secretsmanager.NewFromConfig(cfg).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{
		SecretId: aws.String(environ["DB_OWNER_SECRET_ARN"]),
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

// ping sets the endpoints and sends one message through the whole platform.
func (p *Platform) ping(ctx context.Context) error {
	url, err := p.socketURL()
	if err != nil {
		return err
	}
	balancer := "/_alb/" + p.names.LoadBalancer
	p.Endpoints = Endpoints{
		AWS:       p.emulatorURL(),
		WebSocket: url,
		API:       p.emulatorURL() + balancer,
		Page:      fmt.Sprintf("http://localhost:%d%s/", p.record.Ports.Emulator, balancer),
	}
	if err := get(ctx, p.Endpoints.API+wire.HealthPath); err != nil {
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

// get requests a URL and expects status 200.
func get(ctx context.Context, url string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(response.Body, 1000)) // only the text of the error
		return fmt.Errorf("GET %s: got %s, want 200 OK: %s", url, response.Status, body)
	}
	return nil
}
