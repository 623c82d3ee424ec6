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
	"syscall"

	"portfolio/config"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/caarlos0/env/v11"
)

// emulatorURL is where the emulator answers for all of AWS.
const emulatorURL = "http://127.0.0.1:4566"

// Options say what Up brings up.
type Options struct {
	Root string    // top folder of the checkout, where make has built everything
	Out  io.Writer // progress, for people
}

// Platform is a running platform.
type Platform struct {
	Suffix    string                     `json:"suffix"`
	Outputs   map[string]json.RawMessage `json:"outputs"` // Terraform's, by name
	Endpoints Endpoints                  `json:"endpoints"`

	root    string
	names   config.Names
	region  string
	state   config.State
	environ map[string]string // of every program started here
	record  *record
}

// Endpoints are the platform's, as this machine reaches them.
type Endpoints struct {
	AWS       string `json:"aws"`
	WebSocket string `json:"websocket"` // its host is dialled at 127.0.0.1
	API       string `json:"api"`       // the service behind the load balancer
}

// ErrRunning says that a platform is up already; Up returns it with that platform.
var ErrRunning = errors.New("the platform is running already")

// Up starts the platform and returns when a message has gone through all of it.
// A failure leaves nothing running. Input that the user can mend is a BadInput.
func Up(ctx context.Context, o Options) (_ *Platform, err error) {
	p, err := load(o.Root)
	if err != nil {
		return nil, err
	}
	unlock, err := p.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	switch running, err := Open(o.Root); {
	case err == nil:
		return running, ErrRunning
	case !errors.Is(err, ErrDown):
		return nil, err
	}
	// What a crash left behind goes first: its ports are about to be checked.
	if err := p.stop(); err != nil {
		return nil, err
	}
	if err := checkMachine(ctx, p.root); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.stop())
		}
	}()
	if err := p.start(ctx, o.Out); ctx.Err() != nil {
		return nil, fmt.Errorf("%w: everything that had been started was ended", context.Cause(ctx))
	} else if err != nil {
		return nil, fmt.Errorf("%w\nlogs are in %s", err, p.logs())
	}
	return p, nil
}

// ErrDown says that no platform is running.
var ErrDown = errors.New("the platform is not running")

// Open returns the platform that runs from this checkout, or ErrDown where none
// does or a part of it has died.
func Open(root string) (*Platform, error) {
	p, err := load(root)
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
	return p, nil
}

// Down ends every process of the platform, running or half dead. Its data goes
// with it. Where nothing runs it does nothing.
func Down(root string) error {
	p, err := at(root)
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

// Running names the processes of the platform that are alive, with their ids.
func Running(root string) ([]string, error) {
	p, err := at(root)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, process := range p.record.running() {
		lines = append(lines, fmt.Sprintf("%-10s pid %d", process.Name, process.PID))
	}
	return lines, nil
}

// AWS is the configuration of an SDK client of the emulator. S3 needs path-style
// addresses besides.
func (p *Platform) AWS(ctx context.Context) (aws.Config, error) {
	return awsconfig.LoadDefaultConfig(ctx,
		awsconfig.WithRegion(p.region),
		awsconfig.WithBaseEndpoint(emulatorURL),
		awsconfig.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(accessKey, accessKey, "")))
}

// accessKey is both halves of the emulator's credentials; it takes any.
const accessKey = "test"

// at reads the record of what runs from the checkout in root. It needs no
// configuration, so that nothing wrong with it keeps a platform from ending.
func at(root string) (*Platform, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	p := &Platform{root: root}
	if err := os.MkdirAll(p.logs(), 0o700); err != nil {
		return nil, err
	}
	p.record, err = readRecord(p.local("processes.json"))
	return p, err
}

// load reads the record and the configuration that the app will read, with the
// settings that lead to the emulator.
func load(root string) (*Platform, error) {
	p, err := at(root)
	if err != nil {
		return nil, err
	}
	environ := env.ToMap(os.Environ())
	if environ["ENVIRONMENT_SUFFIX"] == "" {
		environ["ENVIRONMENT_SUFFIX"] = "local"
	}
	for _, name := range []string{"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION", "HTTP_PROXY", "http_proxy"} {
		delete(environ, name) // would lead somewhere else
	}
	environ["AWS_ENDPOINT_URL"] = emulatorURL
	environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"] = accessKey, accessKey
	environ["CHECKPOINT_DISABLE"] = "1"
	environ["CDKTF_OUTDIR"] = ".local" // not cdktf.out, which the CLI empties at each synth
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

func (p *Platform) local(name string) string { return filepath.Join(p.root, ".local", name) }
func (p *Platform) logs() string             { return p.local("logs") }
func (p *Platform) outputsFile() string      { return p.local("outputs.json") }

// lock keeps two programs from starting or stopping the platform at once.
func (p *Platform) lock() (unlock func(), err error) {
	f, err := os.OpenFile(p.local("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(errors.New("somebody else is starting or stopping the platform of this checkout"), f.Close())
	}
	return func() { f.Close() }, nil
}

func (p *Platform) stop() error {
	err := os.Remove(p.outputsFile())
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, p.record.stop())
}

// environment is a map as exec wants it.
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
