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

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
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

// start starts the parts in the order in which they need each other.
func (p *Platform) start(ctx context.Context, o Options) error {
	begin := time.Now()
	s := newSteps(o.Out)
	stores := &stores{}
	if err := p.startServers(ctx, o, s, stores); err != nil {
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
		return p.startInstances(ctx, stores, held)
	}); err != nil {
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

// stores are the real servers behind the emulator's RDS and ElastiCache.
type stores struct {
	postgres *servers.Postgres
	valkey   *servers.Valkey
}

// startServers chooses the ports and starts what listens on them, and synthesizes the
// app meanwhile.
func (p *Platform) startServers(ctx context.Context, o Options, s *steps, st *stores) error {
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
	return s.do("start the emulator, PostgreSQL and Valkey, synthesize", nil, func() error { return p.startAll(ctx, st) })
}

// startAll starts the servers, none of which needs another, at the same time.
func (p *Platform) startAll(ctx context.Context, st *stores) error {
	authority, err := servers.NewAuthority()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ports, launch := p.record.Ports, p.launchServer
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return p.startEmulator(ctx, launch) })
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

// startEmulator starts the emulator and creates the bucket of Terraform's state.
func (p *Platform) startEmulator(ctx context.Context, launch servers.Launcher) error {
	ports := p.record.Ports
	if _, err := servers.StartEmulator(ctx, servers.EmulatorConfig{
		Port: ports.Emulator, PostgresPort: ports.Postgres, ValkeyPort: ports.Valkey, Launch: launch,
	}); err != nil {
		return err
	}
	return p.createStateBucket(ctx)
}

// createStateBucket creates the bucket with the settings that ops preflight demands.
func (p *Platform) createStateBucket(ctx context.Context) error {
	client, err := p.stateClient(ctx)
	if err != nil {
		return err
	}
	in := &s3.CreateBucketInput{Bucket: &p.state.Bucket}
	if p.state.Region != "us-east-1" { // S3 rejects this one as a constraint
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{
			LocationConstraint: types.BucketLocationConstraint(p.state.Region),
		}
	}
	if _, err := client.CreateBucket(ctx, in); err != nil {
		return fmt.Errorf("state bucket: %w", err)
	}
	if _, err := client.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket:                  &p.state.Bucket,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	}); err != nil {
		return fmt.Errorf("state bucket: %w", err)
	}
	if _, err := client.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{
		Bucket: &p.state.Bucket,
		PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{
			BlockPublicAcls: aws.Bool(true), BlockPublicPolicy: aws.Bool(true),
			IgnorePublicAcls: aws.Bool(true), RestrictPublicBuckets: aws.Bool(true),
		},
	}); err != nil {
		return fmt.Errorf("state bucket: %w", err)
	}
	return nil
}

// checkStateBucket returns an error unless the bucket has the last of its settings.
func (p *Platform) checkStateBucket(ctx context.Context) error {
	client, err := p.stateClient(ctx)
	if err != nil {
		return err
	}
	_, err = client.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: &p.state.Bucket})
	return err
}

func (p *Platform) stateClient(ctx context.Context) (*s3.Client, error) {
	cfg, err := p.AWS(ctx)
	if err != nil {
		return nil, err
	}
	return s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle, o.Region = true, p.state.Region }), nil
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
