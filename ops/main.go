// Command ops operates the platform's environments, for people and workflows
// alike. It runs in the repository's top folder and reads the settings of the app
// that deploys: ENVIRONMENT_SUFFIX, AWS_REGION and the AWS SDK's own.
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
	"portfolio/contract/commandline"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/caarlos0/env/v11"
)

// Exit statuses of all commands: the operation failed, or the command line or the
// settings are wrong and nothing was done.
const (
	exitFailed = 1
	exitUsage  = 2
)

// usageError marks an error in the command line or the settings.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// statusError ends the program with a status of the command's own.
type statusError struct {
	status  int
	message string // empty where the status says everything
}

func (e statusError) Error() string { return e.message }

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
		return config.Config{}, usageError{err}
	}
	return settings, nil
}

// aws configures AWS clients for a region. They retry more often than the SDK does
// by default: throttling must not end a deploy.
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
	s := session{environ: env.ToMap(os.Environ()), root: os.DirFS("."), in: os.Stdin, out: os.Stdout}
	status := run(ctx, s, os.Args[1:], os.Stderr)
	stop()
	os.Exit(status)
}

// run carries out one command and returns the exit status.
func run(ctx context.Context, s session, args []string, stderr io.Writer) int {
	root := newRoot(s)                        //nolint:contextcheck // commands have the context of ExecuteContext
	root.SetArgs(append([]string{}, args...)) // cobra takes nil for the program's own
	root.SetErr(stderr)
	_, err := commandline.Run(ctx, root, s.out)
	var own statusError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usageError{}):
		fmt.Fprintln(stderr, "ops:", err)
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
