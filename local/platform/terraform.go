package platform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/hashicorp/terraform-exec/tfexec"
)

// parallelism is how many resources Terraform works on at once: most of them
// only wait for the provider's polling.
const parallelism = 32

// Synthesize runs the app in the checkout at root with an environment, and returns its
// output.
func Synthesize(ctx context.Context, root string, environ map[string]string) ([]byte, error) {
	return command(ctx, root, environ, "go", "run", ".").CombinedOutput()
}

// command returns a command that ends, with the processes that it starts, when ctx does.
func command(ctx context.Context, folder string, environ map[string]string, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = folder, environment(environ)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}

// StackFolder is where the synthesized stack is and Terraform runs. From there the
// stack finds the service and the Lambda at ../../../build, here a folder of the
// platform's own.
func (p *Platform) StackFolder() string {
	return p.local(filepath.Join("app/stacks", p.names.Stack))
}

// copyBuilt puts into place what the stack uploads: the service as the cloud runs it,
// and a Lambda that the emulator can run on this machine.
func (p *Platform) copyBuilt() error {
	return errors.Join(
		copyFile(p.local("build/backend/portfolio"), filepath.Join(p.root, cloudService)),
		copyFile(p.local("build/lambda/bootstrap"), filepath.Join(p.root, machineLambda)))
}

// Terraform returns a Terraform command for the platform's stack, run as the workflow that deploys it.
// Its credentials end after an hour.
func (p *Platform) Terraform(ctx context.Context) (*tfexec.Terraform, error) {
	path, err := exec.LookPath("terraform")
	if err != nil {
		return nil, BadInput{fmt.Errorf("terraform: got none, want it on PATH")}
	}
	tf, err := tfexec.NewTerraform(p.StackFolder(), path)
	if err != nil {
		return nil, err
	}
	environ, err := p.As(ctx, Deploys(p.Suffix), p.environ)
	if err != nil {
		return nil, err
	}
	return tf, tf.SetEnv(tfexec.CleanEnv(environ))
}

// apply initializes the stack's folder and applies the stack.
func (p *Platform) apply(ctx context.Context, s *steps) error {
	tf, err := p.Terraform(ctx)
	if err != nil {
		return err
	}
	if err := p.copyBuilt(); err != nil {
		return err
	}
	if err := s.do("terraform init", nil, func() error {
		// It may be of an earlier platform, whose state was deleted with its emulator.
		if err := os.RemoveAll(filepath.Join(p.StackFolder(), ".terraform")); err != nil {
			return err
		}
		return tf.Init(ctx, tfexec.Reconfigure(true))
	}); err != nil {
		return err
	}
	progress := newApply()
	return s.do("terraform apply", progress, func() error {
		if err := tf.ApplyJSON(ctx, progress, tfexec.Parallelism(parallelism)); err != nil {
			return errors.Join(progress.err(), err)
		}
		return nil
	})
}

// readOutputs reads Terraform's outputs by name.
func (p *Platform) readOutputs(ctx context.Context) error {
	tf, err := p.Terraform(ctx)
	if err != nil {
		return err
	}
	metas, err := tf.Output(ctx)
	if err != nil {
		return err
	}
	p.Outputs = map[string]json.RawMessage{}
	for name, meta := range metas {
		p.Outputs[name] = meta.Value
	}
	return nil
}

// Output returns one of Terraform's outputs, which has to be a string.
func (p *Platform) Output(name string) (string, error) {
	var text string
	if err := json.Unmarshal(p.Outputs[name], &text); err != nil {
		return "", fmt.Errorf("output %s: %w", name, err)
	}
	return text, nil
}
