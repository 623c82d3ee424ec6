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
	"time"

	"github.com/hashicorp/terraform-exec/tfexec"
)

// parallelism is how many resources Terraform works on at once: most of them
// only wait for the provider's polling.
const parallelism = 32

// progressInterval is how often a wait says what it waits for.
const progressInterval = 5 * time.Second

// synthesize runs the app as a user would, against the emulator.
func (p *Platform) synthesize(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "run", ".")
	cmd.Dir = p.root
	cmd.Env = environment(p.environ)
	// go run and jsii have children, which end with them.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// StackFolder is where the synthesized stack is and Terraform works: as deep in
// the checkout as the CLI's, so that relative paths are the same.
func (p *Platform) StackFolder() string {
	return p.local(filepath.Join("stacks", p.names.Stack))
}

// Terraform returns Terraform at work on the platform's stack.
func (p *Platform) Terraform() (*tfexec.Terraform, error) {
	path, err := exec.LookPath("terraform")
	if err != nil {
		return nil, BadInput{fmt.Errorf("terraform: got none, want it on PATH")}
	}
	tf, err := tfexec.NewTerraform(p.StackFolder(), path)
	if err != nil {
		return nil, err
	}
	return tf, tf.SetEnv(tfexec.CleanEnv(p.environ))
}

// apply initializes the stack's folder and applies it, telling progress.
func (p *Platform) apply(ctx context.Context, s *steps) error {
	tf, err := p.Terraform()
	if err != nil {
		return err
	}
	if err := s.do("terraform init", func() error {
		// State of an earlier platform went with its emulator.
		if err := os.RemoveAll(filepath.Join(p.StackFolder(), ".terraform")); err != nil {
			return err
		}
		return tf.Init(ctx, tfexec.Reconfigure(true))
	}); err != nil {
		return err
	}
	return s.do("terraform apply", func() error {
		progress := newApply()
		stop := every(progressInterval, func() { s.printf("%s", progress) })
		err := tf.ApplyJSON(ctx, progress, tfexec.Parallelism(parallelism))
		stop()
		if err != nil {
			return errors.Join(progress.err(), err)
		}
		return nil
	})
}

// readOutputs reads Terraform's outputs by name.
func (p *Platform) readOutputs(ctx context.Context) error {
	tf, err := p.Terraform()
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

// Output is one of Terraform's outputs that is text.
func (p *Platform) Output(name string) (string, error) {
	var text string
	if err := json.Unmarshal(p.Outputs[name], &text); err != nil {
		return "", fmt.Errorf("output %s: %w", name, err)
	}
	return text, nil
}

// every calls f again and again until the function it returns is called.
func every(interval time.Duration, f func()) (stop func()) {
	ticker, ended, done := time.NewTicker(interval), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ticker.C:
				f()
			case <-ended:
				return
			}
		}
	}()
	return func() {
		ticker.Stop()
		close(ended)
		<-done
	}
}
