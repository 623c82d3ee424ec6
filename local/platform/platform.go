// Package platform runs the whole platform on one machine: an emulator answers
// AWS's APIs, PostgreSQL and Valkey are the real ones, Terraform and its AWS
// provider are the real ones, the Lambda is the real binary, and two processes
// of the service stand in for the two instances. Everything listens on loopback.
package platform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"portfolio/config"
	"portfolio/local/servers"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/logging"
	"github.com/caarlos0/env/v11"
	"github.com/gofrs/flock"
)

// Place is where a platform runs from. Each place has at most one platform.
type Place struct {
	Root   string // top folder of the checkout, where make has built everything
	Folder string // in Root: what the platform writes; "" is .local
}

// Options are the settings of Up.
type Options struct {
	Out io.Writer // progress, for people
	// OtherPorts keeps the usual ports free for another platform.
	OtherPorts bool
}

// Platform is a running platform.
type Platform struct {
	Suffix    string                     `json:"suffix"`
	Outputs   map[string]json.RawMessage `json:"outputs"` // Terraform's, by name
	Endpoints Endpoints                  `json:"endpoints"`

	root    string
	folder  string
	names   config.Names
	region  string
	state   config.State
	environ map[string]string // of every program started here, without credentials
	record  *record
}

// Endpoints are the platform's, as this machine reaches them.
type Endpoints struct {
	AWS       string `json:"aws"`
	WebSocket string `json:"websocket"` // its host name is dialled at 127.0.0.1
	API       string `json:"api"`       // the service behind the load balancer
	Page      string `json:"page"`      // by the name of this machine for which browsers accept Secure cookies over HTTP
}

// BadInput is an error that the user can correct. Nothing has been started.
type BadInput struct{ Err error }

func (e BadInput) Error() string { return e.Err.Error() }
func (e BadInput) Unwrap() error { return e.Err }

// ErrRunning reports that a platform is already running; Up returns it with that platform.
var ErrRunning = errors.New("the platform is already running")

// Up starts the platform and returns once a message has passed through all of it.
// A failure leaves nothing running. Input that the user can correct is a BadInput.
func (at Place) Up(ctx context.Context, o Options) (_ *Platform, err error) {
	p, err := at.load()
	if err != nil {
		return nil, err
	}
	unlock, err := p.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	switch running, err := at.Open(); {
	case err == nil:
		return running, ErrRunning
	case !errors.Is(err, ErrDown):
		return nil, err
	}
	// What a crash left behind goes first: it holds ports.
	if err := p.stop(); err != nil {
		return nil, err
	}
	if err := p.check(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.stop())
		}
	}()
	if err := p.start(ctx, o); ctx.Err() != nil {
		return nil, fmt.Errorf("%w: everything that had been started was ended", context.Cause(ctx))
	} else if err != nil {
		return nil, fmt.Errorf("%w\nlogs are in %s", err, p.logs())
	}
	return p, nil
}

// ErrDown reports that no platform is running.
var ErrDown = errors.New("the platform is not running")

// Open returns the platform that runs at this place, or ErrDown if there is none or
// one of its processes has ended.
func (at Place) Open() (*Platform, error) {
	p, err := at.load()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(p.outputsFile())
	if errors.Is(err, fs.ErrNotExist) || len(p.record.Processes) == 0 {
		return nil, ErrDown
	}
	if err != nil {
		return nil, err
	}
	if len(p.record.running()) < len(p.record.Processes) {
		return nil, ErrDown
	}
	if err := json.Unmarshal(text, p); err != nil {
		return nil, fmt.Errorf("%s: %w", p.outputsFile(), err)
	}
	p.names = config.NewNames(p.Suffix)
	p.environ["ENVIRONMENT_SUFFIX"] = p.Suffix
	p.environ["AWS_ENDPOINT_URL"] = p.emulatorURL()
	p.environ["PERMISSIONS_BOUNDARY_ARN"] = Deploys(p.Suffix).boundaryARN()
	return p, nil
}

// Account returns the AWS account of a platform that Up may still be starting, or ErrDown
// before it can be deployed to. Only its AWS, As and Endpoints.AWS can be used.
func (at Place) Account(ctx context.Context) (*Platform, error) {
	p, err := at.load()
	if err != nil {
		return nil, err
	}
	if p.record.Ports.Emulator == 0 {
		return nil, ErrDown
	}
	p.Endpoints.AWS = p.emulatorURL()
	if err := p.accountIsReady(ctx); err != nil {
		return nil, errors.Join(ErrDown, err)
	}
	return p, nil
}

// Down ends every process of the platform, even if only some of them are left, and
// deletes its data. If nothing runs, it does nothing.
func (at Place) Down() error {
	p, err := at.open()
	if err != nil {
		return err
	}
	unlock, err := p.lock()
	if err != nil {
		return err
	}
	defer unlock()
	return p.stop()
}

// Running returns a line for each process of the platform that is alive.
func (at Place) Running() ([]string, error) {
	p, err := at.open()
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, process := range p.record.running() {
		lines = append(lines, fmt.Sprintf("%-10s pid %d", process.Name, process.PID))
	}
	return lines, nil
}

// Statements evaluates the calls that roles have made so far: for each statement of their
// policies, which call needs it.
func (p *Platform) Statements(ctx context.Context) ([]servers.Statement, error) {
	return servers.Statements(ctx, p.recording())
}

// Ports returns where the platform listens.
func (p *Platform) Ports() Ports { return p.record.Ports }

func (p *Platform) emulatorURL() string {
	return fmt.Sprintf("http://%s:%d", servers.Host, p.record.Ports.Emulator)
}

// AWS returns the configuration of an SDK client of the emulator, as the account's root. An
// S3 client also needs path-style addresses.
func (p *Platform) AWS(ctx context.Context) (aws.Config, error) {
	return awsconfig.LoadDefaultConfig(ctx,
		awsconfig.WithRegion(p.region),
		awsconfig.WithLogger(logging.Nop{}), // it warns of answers without a body
		awsconfig.WithBaseEndpoint(p.emulatorURL()),
		awsconfig.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(rootKey, rootKey, "")))
}

// rootKey is both halves of the credentials of the account's root.
const rootKey = "test"

// open reads the record of what runs. It reads no configuration, so that an invalid one
// cannot prevent a platform from being stopped.
func (at Place) open() (*Platform, error) {
	root, err := filepath.Abs(at.Root)
	if err != nil {
		return nil, err
	}
	folder := at.Folder
	if folder == "" {
		folder = ".local"
	}
	p := &Platform{root: root, folder: filepath.Join(root, folder)}
	if err := os.MkdirAll(p.logs(), 0o700); err != nil {
		return nil, err
	}
	p.record, err = readRecord(p.local("processes.json"))
	return p, err
}

// load reads the record and the configuration that the app will read, with the
// settings that lead to the emulator.
func (at Place) load() (*Platform, error) {
	p, err := at.open()
	if err != nil {
		return nil, err
	}
	environ := env.ToMap(os.Environ())
	if environ["ENVIRONMENT_SUFFIX"] == "" {
		environ["ENVIRONMENT_SUFFIX"] = "local"
	}
	environ = native(environ)
	environ["AWS_ENDPOINT_URL"] = p.emulatorURL()
	environ["PERMISSIONS_BOUNDARY_ARN"] = Deploys(environ["ENVIRONMENT_SUFFIX"]).boundaryARN()
	environ["CHECKPOINT_DISABLE"] = "1"
	environ["CDKTF_OUTDIR"] = p.local("app") // not cdktf.out, which the CLI empties at each synth
	if rc := filepath.Join(p.root, terraformRC); exists(rc) {
		environ["TF_CLI_CONFIG_FILE"] = rc
	}
	c, err := config.Load(environ, os.DirFS(p.root))
	if err != nil {
		return nil, BadInput{err}
	}
	environ["AWS_REGION"] = c.Region
	p.Suffix, p.names, p.region, p.state, p.environ = c.Names.Suffix, c.Names, c.Region, c.State, environ
	return p, nil
}

func (p *Platform) local(name string) string { return filepath.Join(p.folder, name) }
func (p *Platform) logs() string             { return p.local("logs") }
func (p *Platform) outputsFile() string      { return p.local("outputs.json") }

// recording is the file of every distinct call that a role has made.
func (p *Platform) recording() string { return p.local("logs/calls.jsonl") }

// lock keeps two programs from starting or stopping the platform at the same time.
func (p *Platform) lock() (unlock func(), err error) {
	file := flock.New(p.local("lock"), flock.SetPermissions(0o600))
	locked, err := file.TryLock()
	if err != nil {
		return nil, err
	}
	if !locked {
		return nil, fmt.Errorf("%s: another program is starting or stopping the platform", p.folder)
	}
	return func() { file.Close() }, nil
}

func (p *Platform) stop() error {
	err := os.Remove(p.outputsFile())
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, p.record.stop())
}

// environment returns a map in the form that exec uses.
func environment(m map[string]string) []string {
	var list []string
	for name, value := range m {
		list = append(list, name+"="+value)
	}
	return list
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
