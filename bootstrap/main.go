// Command bootstrap creates the account-level resources that all environments
// share: the state bucket, the roles of GitHub's workflows, the service-linked
// roles, and the role with which API Gateway writes logs. It is a CDKTF app of its
// own, run from the repository's top folder, so that deploying an environment
// never needs a stack's name.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"portfolio/config"
	"portfolio/contract/commandline"
	"portfolio/fastsynth"
	"portfolio/fastsynth/tempdir"
	"portfolio/stacks"

	"github.com/aws/jsii-runtime-go"
	"github.com/caarlos0/env/v11"
	"github.com/hashicorp/terraform-cdk-go/cdktf"
	"github.com/spf13/cobra"
)

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
	root := newRoot(environ)                  //nolint:contextcheck // commands have the context of ExecuteContext
	root.SetArgs(append([]string{}, args...)) // nil would mean the arguments of this process
	root.SetErr(stderr)
	_, err := commandline.Run(ctx, root, stdout)
	switch {
	case err == nil:
		return 0
	case errors.As(err, &badInput{}):
		fmt.Fprintln(stderr, err)
		return exitBadInput
	}
	fmt.Fprintln(stderr, "bootstrap:", err)
	return exitFailed
}

// newRoot returns the command line. Errors in it are badInput.
func newRoot(environ map[string]string) *cobra.Command {
	root := &cobra.Command{
		Use:   "bootstrap",
		Short: "Create what all environments of an AWS account share",
		Long: `Creates what all environments of an AWS account share. It is safe to run again
at any time: an interrupted run is continued.

Settings, by environment variables:
  GITHUB_REPOSITORY              owner/name whose workflows may deploy; required
  GITHUB_OIDC_PROVIDER           new, or existing if the account has GitHub's
  DOMAIN_NAME, HOSTED_ZONE_ID    domain that environments may have names in, and
                                 its zone
  AWS_REGION                     us-east-1; outside the bucket's region only API
                                 Gateway's logging is set up
  TERRAFORM_STATE_BUCKET         iac-rlhf-tf-states
  TERRAFORM_STATE_BUCKET_REGION  us-east-1

Exit status: 1 for a failure; 2 for bad arguments or settings, with nothing
changed.`,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return badInput{fmt.Errorf("%s: %w", cmd.CommandPath(), err)}
	})
	root.AddCommand(applyCommand(environ), synthCommand(environ))
	return root
}

func applyCommand(environ map[string]string) *cobra.Command {
	adopt := false
	cmd := &cobra.Command{
		Use:   "apply",
		Short: "Create the resources or update them, and print GitHub's variables",
		Args:  commandline.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := load(environ)
			if err != nil {
				return err
			}
			return apply(cmd.Context(), settings, environ, adopt, cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&adopt, "adopt", false, "use a state bucket that exists and is yours; its objects stay")
	return cmd
}

func synthCommand(environ map[string]string) *cobra.Command {
	return &cobra.Command{
		Use:   "synth",
		Short: "Write Terraform JSON to CDKTF_OUTDIR, or cdktf.out",
		Args:  commandline.NoArguments,
		RunE: func(*cobra.Command, []string) error {
			settings, err := load(environ)
			if err != nil {
				return err
			}
			return synthesize(settings, nil)
		},
	}
}

func load(environ map[string]string) (config.Bootstrap, error) {
	settings, err := config.LoadBootstrap(environ, os.DirFS("."))
	if err != nil {
		return config.Bootstrap{}, badInput{err}
	}
	return settings, nil
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
