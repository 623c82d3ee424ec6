// Package servers runs what replaces AWS on one machine: the real PostgreSQL and Valkey
// for RDS and ElastiCache Serverless, and an emulator of AWS's APIs. The stores accept TLS
// only, with a certificate of a local authority, so clients connect to them exactly as
// they do in the cloud. All listen on 127.0.0.1 only.
package servers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Host is the only address that anything here listens on.
const Host = "127.0.0.1"

// The ports that the servers usually listen on.
const (
	EmulatorPort = 4566
	PostgresPort = 5432
	ValkeyPort   = 6379
)

// readyPoll is the pause between two checks whether a server is ready.
const readyPoll = 50 * time.Millisecond

// A Launcher starts cmd, the server called name. It may set SysProcAttr's session and
// parent-death fields and the command's output. The command's Dir is the server's own
// folder. A Launcher is called once for each process, from any goroutine, and must not wait
// for the process to end.
type Launcher func(name string, cmd *exec.Cmd) error

// A Process is a started server.
type Process struct {
	name   string
	cmd    *exec.Cmd
	output *bytes.Buffer // nil where a Launcher sends it elsewhere
	ended  chan struct{}
}

// Start runs cmd through launch. Without a Launcher the process ends with the calling
// one, where the kernel can do that, and its output is kept for error messages.
func Start(name string, cmd *exec.Cmd, launch Launcher) (*Process, error) {
	p := &Process{name: name, cmd: cmd, ended: make(chan struct{})}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	if launch == nil {
		p.output = &bytes.Buffer{}
		cmd.Stdout, cmd.Stderr = p.output, p.output
		EndWithParent(cmd, syscall.SIGQUIT) // ends PostgreSQL's sessions, too
		// A signal typed at the terminal goes to the test, which then stops the server.
		cmd.SysProcAttr.Setpgid = true
		launch = func(_ string, cmd *exec.Cmd) error { return cmd.Start() }
	}
	if err := launch(name, cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		_ = cmd.Wait() // ProcessState has the status, and Await reports an early end
		close(p.ended)
	}()
	return p, nil
}

// Await calls ready until it succeeds. It gives up when the process ends, when ctx is
// done, or after a minute, with ready's last error.
func (p *Process) Await(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	go func() { // another server may have the port and keep ready waiting
		select {
		case <-p.ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	var last error
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		last = ready(ctx)
		return struct{}{}, last
	}, backoff.WithBackOff(backoff.NewConstantBackOff(readyPoll)), backoff.WithMaxElapsedTime(0))
	if err == nil {
		return nil
	}
	select {
	case <-p.ended:
		return fmt.Errorf("%s ended early: %s%s", p.name, p.cmd.ProcessState, p.tail())
	default:
		return fmt.Errorf("%s is not ready: %w", p.name, errors.Join(err, last))
	}
}

// tail returns the end of the process's output, once it has ended.
func (p *Process) tail() string {
	if p.output == nil {
		return ""
	}
	out := bytes.TrimSpace(p.output.Bytes())
	return "\n" + string(out[max(0, len(out)-2000):])
}

// stop ends the process with sig and kills it after ten seconds. It returns when the
// process has ended and its ports are free.
func (p *Process) stop(sig syscall.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.name, err)
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(10 * time.Second):
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill %s: %w", p.name, err)
	}
	<-p.ended
	return nil
}

// FreePort returns a free port below the range from which the kernel assigns ports, so
// that only another call of this function can return the same one.
func FreePort() (int, error) {
	var last error
	for range 50 {
		port := 20000 + rand.IntN(12000)
		l, err := net.Listen("tcp", address(port))
		if err != nil {
			last = err
			continue
		}
		return port, l.Close()
	}
	return 0, fmt.Errorf("no free port: %w", last)
}

func address(port int) string { return net.JoinHostPort(Host, strconv.Itoa(port)) }

// moduleRoot returns the folder of the go.mod above the working directory, below which
// make installs the tools.
func moduleRoot() (string, error) {
	wd, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := wd; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s is not inside the repository: no go.mod above it", wd)
		}
	}
}
