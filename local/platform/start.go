package platform

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"time"

	"portfolio/local/servers"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"
)

// start brings the parts up in the order in which they need each other.
func (p *Platform) start(ctx context.Context, out io.Writer) error {
	begin := time.Now()
	s := &steps{out: out}
	stores := &stores{}
	if err := s.do("emulator, PostgreSQL, Valkey and synthesis", func() error { return p.startServers(ctx, stores) }); err != nil {
		return err
	}
	if err := p.apply(ctx, s); err != nil {
		return err
	}
	if err := p.readOutputs(ctx); err != nil {
		return err
	}
	if err := s.do("two service instances", func() error { return p.startInstances(ctx, stores) }); err != nil {
		return err
	}
	if err := s.do("ping over the WebSocket", func() error { return p.ping(ctx) }); err != nil {
		return err
	}
	if err := writeJSON(p.outputsFile(), p); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s%8.1f s  in all\n", s.summary(), time.Since(begin).Seconds())
	return nil
}

// stores are the real servers behind the emulator's RDS and ElastiCache.
type stores struct {
	postgres *servers.Postgres
	valkey   *servers.Valkey
}

// startServers starts what does not depend on each other at the same time.
func (p *Platform) startServers(ctx context.Context, st *stores) error {
	authority, err := servers.NewAuthority()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	launch := p.launchServer
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return p.startEmulator(ctx, launch) })
	group.Go(func() error { return p.synthesize(ctx) })
	group.Go(func() (err error) {
		st.postgres, err = servers.StartPostgres(ctx, servers.PostgresConfig{Port: postgresPort, Authority: authority, Launch: launch})
		return err
	})
	group.Go(func() (err error) {
		st.valkey, err = servers.StartValkey(ctx, servers.ValkeyConfig{
			Port: valkeyPort, Authority: authority, Launch: launch, FrontCommand: []string{self, FrontCommand},
		})
		return err
	})
	return group.Wait()
}

// FrontCommand is the word after which the program that calls Up has to call
// servers.ServeFront: Valkey's TLS listener runs in a process of its own.
const FrontCommand = "valkey-tls"

// launchServer starts a server, whose folder is its own and goes when it does.
func (p *Platform) launchServer(name string, cmd *exec.Cmd) error {
	if err := p.record.own(cmd.Dir); err != nil {
		return err
	}
	return p.record.launcher(p.logs())(name, cmd)
}

// startEmulator starts the emulator and makes the bucket that Terraform's state
// lives in.
func (p *Platform) startEmulator(ctx context.Context, launch servers.Launcher) error {
	if _, err := servers.StartEmulator(ctx, servers.EmulatorConfig{Port: emulatorPort, Launch: launch}); err != nil {
		return err
	}
	return p.createStateBucket(ctx)
}

// createStateBucket makes the bucket as ops preflight wants it.
func (p *Platform) createStateBucket(ctx context.Context) error {
	cfg, err := p.AWS(ctx)
	if err != nil {
		return err
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle, o.Region = true, p.state.Region })
	in := &s3.CreateBucketInput{Bucket: &p.state.Bucket}
	if p.state.Region != "us-east-1" { // which S3 refuses to be told
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(p.state.Region)}
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
			BlockPublicAcls: aws.Bool(true), BlockPublicPolicy: aws.Bool(true), IgnorePublicAcls: aws.Bool(true), RestrictPublicBuckets: aws.Bool(true),
		},
	}); err != nil {
		return fmt.Errorf("state bucket: %w", err)
	}
	return nil
}

// await calls ready until it succeeds. It gives up after limit, with ready's
// last error, or when the process behind it ends.
func await(ctx context.Context, limit time.Duration, ended <-chan error, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case status := <-ended:
			return fmt.Errorf("ended early: %w", errors.Join(status, err))
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w", err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// get expects 200 from a URL.
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
		body, _ := io.ReadAll(io.LimitReader(response.Body, 1000)) // only words for the error
		return fmt.Errorf("%s: %s %s", url, response.Status, body)
	}
	return nil
}
