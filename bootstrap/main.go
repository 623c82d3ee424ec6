// Command bootstrap creates the account-level resources that all environments
// share: the state bucket, the roles of GitHub's workflows, the service-linked
// roles, and the role with which API Gateway writes logs. It is a CDKTF app of its
// own, run from the repository's top folder, so that deploying an environment
// never needs a stack's name.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"portfolio/config"
	"portfolio/fastsynth"
	"portfolio/fastsynth/tempdir"
	"portfolio/stacks"

	"github.com/aws/jsii-runtime-go"
	"github.com/caarlos0/env/v11"
	"github.com/hashicorp/terraform-cdk-go/cdktf"
)

const usage = `bootstrap COMMAND
  apply [--adopt]  create the account-level resources, or update them, and print
                   the variables that GitHub needs
  synth            write Terraform JSON to CDKTF_OUTDIR, or cdktf.out

  --adopt  use a state bucket that exists and is yours; its objects stay

It is safe to run again at any time: an interrupted run is continued.

Settings, by environment variables:
  GITHUB_REPOSITORY              owner/name, whose workflows may deploy; required
  GITHUB_OIDC_PROVIDER           new, or existing if the account has GitHub's already
  DOMAIN_NAME, HOSTED_ZONE_ID    domain that environments may have names in, and its zone
  AWS_REGION                     us-east-1; outside the bucket's region only API Gateway's
                                 logging is set up
  TERRAFORM_STATE_BUCKET         iac-rlhf-tf-states
  TERRAFORM_STATE_BUCKET_REGION  us-east-1

Exit status: 1 for a failure; 2 for bad arguments or settings, with nothing changed.`

// Exit statuses.
const (
	exitFailed   = 1
	exitBadInput = 2
)

// badInput is an error in the arguments, the settings or what they name: nothing
// has been changed.
type badInput struct{ error }

func main() {
	ctx := tempdir.Context() // Terraform is interrupted and finishes what it is doing
	status := run(ctx, os.Args[1:], env.ToMap(os.Environ()), os.Stdout, os.Stderr)
	tempdir.Remove()
	os.Exit(status)
}

// run carries out one command in the current folder and returns the exit status.
func run(ctx context.Context, args []string, environ map[string]string, stdout, stderr io.Writer) int {
	defer jsii.Close()
	err := dispatch(ctx, args, environ, stdout)
	var bad badInput
	switch {
	case err == nil:
		return 0
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintln(stdout, usage)
		return 0
	case errors.As(err, &bad):
		fmt.Fprintln(stderr, err)
		return exitBadInput
	}
	fmt.Fprintln(stderr, "bootstrap:", err)
	return exitFailed
}

func dispatch(ctx context.Context, args []string, environ map[string]string, stdout io.Writer) error {
	flags := flag.NewFlagSet("bootstrap", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints the error
	command := ""
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		command, args = args[0], args[1:]
	}
	adopt := false
	if command == "apply" {
		flags.BoolVar(&adopt, "adopt", false, "")
	}
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return err
	} else if err != nil || flags.NArg() > 0 || command != "apply" && command != "synth" {
		return badInput{errors.Join(fmt.Errorf("%s", usage), err)}
	}
	settings, err := config.LoadBootstrap(environ, os.DirFS("."))
	if err != nil {
		return badInput{err}
	}
	if command == "synth" {
		return synthesize(settings, nil)
	}
	return apply(ctx, settings, environ, adopt, stdout)
}

// synthesize writes the stack to a folder, nil for CDKTF's default. jsii reports
// errors by panicking.
func synthesize(settings config.Bootstrap, folder *string) (err error) {
	defer func() {
		if failure := recover(); failure != nil {
			err = fmt.Errorf("synth: %v", failure)
		}
	}()
	fastsynth.Enable()
	app := cdktf.NewApp(&cdktf.AppConfig{Outdir: folder})
	stacks.NewBootstrap(app, settings)
	app.Synth()
	return nil
}
