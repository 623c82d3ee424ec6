package platform

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"portfolio/local/servers"

	"golang.org/x/sync/errgroup"
)

// What make builds of the service and the Lambda: for the cloud, and for this machine.
const (
	cloudService   = "build/backend/portfolio"
	machineService = "build/machine/portfolio"
	machineLambda  = "build/machine/bootstrap"
)

// check reports everything that is missing: what make builds, and Valkey.
func (p *Platform) check(ctx context.Context) error {
	var errs []error
	for _, made := range []string{cloudService, machineService, machineLambda, "build/tools/python/bin/python"} {
		if !exists(filepath.Join(p.root, made)) {
			errs = append(errs, fmt.Errorf("%s: got none, want what `make local` builds", made))
		}
	}
	if _, err := servers.FindValkey(ctx); err != nil {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return BadInput{err}
	}
	return nil
}

// start starts the parts in the order of their dependencies.
func (p *Platform) start(ctx context.Context, o Options) error {
	begin := time.Now()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the bootstrap if something else fails
	s := newSteps(o.Out)
	started := &parts{}
	if err := p.startServers(ctx, o, s, started); err != nil {
		return err
	}
	held, err := reserve(p.record.Ports.Services[:]...)
	if err != nil {
		return err
	}
	defer held.release()
	if err := p.apply(ctx, s); err != nil {
		return err
	}
	if err := p.readOutputs(ctx); err != nil {
		return err
	}
	if err := s.do("start two service instances", nil, func() error {
		return p.startInstances(ctx, started, held)
	}); err != nil {
		return err
	}
	if err := s.do("bootstrap: the rest of the account", nil,
		func() error { return started.account.wait(ctx) }); err != nil {
		return err
	}
	if err := s.do("ping over the WebSocket", nil, func() error { return p.ping(ctx) }); err != nil {
		return err
	}
	if err := writeJSON(p.outputsFile(), p); err != nil {
		return err
	}
	s.printf("%8.1f s  in all", time.Since(begin).Seconds())
	return nil
}

// parts are what start has started and still needs.
type parts struct {
	account  *bootstrap
	postgres *servers.Postgres // behind the emulator's RDS
	valkey   *servers.Valkey   // behind its ElastiCache
}

// startServers chooses the ports and starts what listens on them, and synthesizes the
// app meanwhile.
func (p *Platform) startServers(ctx context.Context, o Options, s *steps, st *parts) error {
	unlock, err := lockPorts(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	wanted := usualPorts
	if o.OtherPorts {
		wanted = Ports{}
	}
	ports, taken, err := choosePorts(wanted)
	if err != nil {
		return err
	}
	for _, line := range taken {
		s.printf("%s", line)
	}
	p.record.Ports = ports
	p.environ["AWS_ENDPOINT_URL"] = p.emulatorURL()
	return s.do("start the servers, bootstrap the account, synthesize", nil,
		func() error { return p.startAll(ctx, st) })
}

// startAll starts the servers, none of which needs another, at the same time.
func (p *Platform) startAll(ctx context.Context, st *parts) error {
	authority, err := servers.NewAuthority()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ports, launch := p.record.Ports, p.launchServer
	running := ctx // of what does not end with the group
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if _, err := servers.StartEmulator(ctx, servers.EmulatorConfig{
			Port: ports.Emulator, PostgresPort: ports.Postgres, ValkeyPort: ports.Valkey, Database: p.names.Database,
			Launch: launch, EnforceIAM: true,
			Recording: p.recording(),
		}); err != nil {
			return err
		}
		st.account, err = p.startBootstrap(running)
		return err
	})
	group.Go(func() error {
		if out, err := Synthesize(ctx, p.root, p.environ); err != nil {
			return fmt.Errorf("synthesize: %w\n%s", err, out)
		}
		return nil
	})
	group.Go(func() (err error) {
		st.postgres, err = servers.StartPostgres(ctx, servers.PostgresConfig{
			Port: ports.Postgres, Authority: authority, Launch: launch,
		})
		return err
	})
	group.Go(func() (err error) {
		st.valkey, err = servers.StartValkey(ctx, servers.ValkeyConfig{
			Port: ports.Valkey, Authority: authority, Launch: launch, FrontCommand: []string{self, FrontCommand},
		})
		return err
	})
	return group.Wait()
}

// FrontCommand is the argument on which the program that calls Up has to call
// servers.ServeFront: Valkey's TLS listener runs in a process of its own.
const FrontCommand = "valkey-tls"

// launchServer starts a server, whose folder is removed when the platform ends.
func (p *Platform) launchServer(name string, cmd *exec.Cmd) error {
	if err := p.record.own(cmd.Dir); err != nil {
		return err
	}
	return p.record.launcher(p.logs())(name, cmd)
}

// copyFile copies an executable and creates the folder that it goes to.
func copyFile(to, from string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}
