// Command ops operates the platform's environments, for people and workflows
// alike. It is run from the repository's top folder and reads the same settings
// as the app that deploys: ENVIRONMENT_SUFFIX, AWS_REGION and the AWS SDK's own.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"portfolio/config"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/caarlos0/env/v11"
)

// Exit statuses: 1 says that the operation failed, 2 that it was asked for wrongly.
const (
	exitFailed = 1
	exitUsage  = 2
)

// errUsage marks an error in how a command was called.
var errUsage = errors.New("usage")

// statusError ends the program with a status of the command's own.
type statusError struct {
	status  int
	message string // empty when the status says it all
}

func (e statusError) Error() string { return e.message }

// command is one subcommand. Its run gets the arguments after its name.
type command struct {
	name, summary string
	run           func(ctx context.Context, s session, args []string) error
}

var commands = []command{
	{"await-refresh", "wait for the instance refresh that a deploy started, and fail with it", awaitRefresh},
	{"github", "comment on this run's pull request, report drift as issues, list open pull requests", githubCommand},
	{"environments", "list what is deployed, by the states in the state bucket", listEnvironments},
	{"drift", "say what was changed outside Terraform; see its --help for exit statuses", detectDrift},
	{"reap", "destroy what pull requests left behind, and prove it", reap},
	{"preflight", "say what would stop a deploy, before it begins", preflightCheck},
	{"card", "plan an environment and say in a page what a deploy would do", environmentCard},
	{"outputs", "write the outputs of an environment as Markdown", listOutputs},
	{"plan", "say in a page what a Terraform plan would do; see its --help for exit statuses", planCard},
}

// session is what every command works with.
type session struct {
	environ map[string]string
	root    fs.FS // the repository's top folder
	in      io.Reader
	out     io.Writer
}

// load reads the settings of the environment that a command is about.
func (s session) load() (config.Config, error) {
	settings, err := config.Load(s.environ, s.root)
	if err != nil {
		return config.Config{}, fmt.Errorf("%w: %w", errUsage, err)
	}
	return settings, nil
}

// aws configures AWS clients for a region, with more patience than the SDK has by
// itself: throttling must not end a deploy.
func (s session) aws(ctx context.Context, region string) (aws.Config, error) {
	c, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(region), awsconfig.WithRetryMaxAttempts(8))
	if err != nil {
		return aws.Config{}, fmt.Errorf("AWS settings: %w", err)
	}
	if _, err := c.Credentials.Retrieve(ctx); err != nil {
		return aws.Config{}, fmt.Errorf("AWS credentials: got none, want those of the deploy: %w", err)
	}
	return c, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, session{environ: env.ToMap(os.Environ()), root: os.DirFS("."), in: os.Stdin, out: os.Stdout}, os.Args[1:], os.Stderr)
	stop()
	os.Exit(status)
}

// run carries out one command and returns the exit status.
func run(ctx context.Context, s session, args []string, stderr io.Writer) int {
	err := dispatch(ctx, s, args)
	var own statusError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintln(stderr, err)
		return exitUsage
	case errors.As(err, &own):
		if own.message != "" {
			fmt.Fprintln(stderr, "ops:", own.message)
		}
		return own.status
	default:
		fmt.Fprintln(stderr, "ops:", err)
		return exitFailed
	}
}

func dispatch(ctx context.Context, s session, args []string) error {
	if len(args) > 0 {
		for _, c := range commands {
			if c.name == args[0] {
				return c.run(ctx, s, args[1:])
			}
		}
	}
	text := "ops COMMAND [FLAGS]"
	for _, c := range commands {
		text += fmt.Sprintf("\n  %-14s %s", c.name, c.summary)
	}
	return fmt.Errorf("%w: %s", errUsage, text)
}
