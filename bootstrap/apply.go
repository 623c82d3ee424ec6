package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"portfolio/config"
	"portfolio/stacks"

	"github.com/hashicorp/terraform-exec/tfexec"
)

const (
	// localState is the state until there is a bucket for it. It is outside the folders
	// that make clean removes, because it is the only record of what was created.
	localState = "bootstrap/portfolio-bootstrap.tfstate"
	workFolder = ".local/bootstrap"
	// overrideFile replaces the backend of the synthesized stack while it exists.
	overrideFile = "backend_override.tf.json"
	// waitDelay is how long Terraform may take to stop when it is interrupted. If it
	// were killed, what it is creating would be in no state.
	waitDelay = 5 * time.Minute
)

// work is one run of apply.
type work struct {
	settings config.Bootstrap
	folder   string // of the synthesized stack, where Terraform works
	tf       *tfexec.Terraform
	out      io.Writer
}

// apply creates everything or updates it. If it returns no error, the state is in
// the bucket and nowhere else.
func apply(ctx context.Context, c config.Bootstrap, environ map[string]string, adopt bool, out io.Writer) error {
	exists, err := inspect(ctx, c)
	if err != nil {
		return err
	}
	todo, err := stepsFor(exists, c, adopt)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(workFolder, 0o755); err != nil {
		return err
	}
	folder := workFolder
	if err := synthesize(c, &folder); err != nil {
		return err
	}
	w := work{settings: c, folder: filepath.Join(workFolder, "stacks", c.Stack), out: out}
	if w.tf, err = newTerraform(w.folder, environ); err != nil {
		return err
	}
	w.tf.SetStdout(out)
	if todo.RemoveLocalState {
		if err := removeLocalState(); err != nil {
			return err
		}
	}
	if todo.ApplyLocally {
		err = w.applyLocally(ctx, todo.ImportBucket, exists.Local)
	} else {
		err = w.applyRemotely(ctx, exists.Remote)
	}
	if err != nil {
		return err
	}
	return w.report(ctx)
}

func newTerraform(folder string, environ map[string]string) (*tfexec.Terraform, error) {
	path, err := exec.LookPath("terraform")
	if err != nil {
		return nil, badInput{errors.New("terraform: got none, want 1.11 or newer on PATH")}
	}
	tf, err := tfexec.NewTerraform(folder, path)
	if err != nil {
		return nil, err
	}
	if err := tf.SetWaitDelay(waitDelay); err != nil {
		return nil, err
	}
	// The backend that an earlier run used may be another.
	if err := os.RemoveAll(filepath.Join(folder, ".terraform")); err != nil {
		return nil, err
	}
	return tf, tf.SetEnv(tfexec.CleanEnv(environ))
}

// applyRemotely applies with the state in the bucket.
func (w work) applyRemotely(ctx context.Context, known state) error {
	if err := os.Remove(w.override()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := w.tf.Init(ctx, tfexec.Reconfigure(true)); err != nil {
		return err
	}
	return w.applyRepaired(ctx, known)
}

// applyLocally applies with the local state, moves it into the bucket and then
// removes it. Wherever it is interrupted, a complete state is left.
func (w work) applyLocally(ctx context.Context, importBucket bool, known state) error {
	path, err := filepath.Rel(w.folder, localState)
	if err != nil {
		return err
	}
	backend := map[string]any{"local": map[string]any{"path": path}}
	text, err := json.Marshal(map[string]any{"terraform": map[string]any{"backend": backend}})
	if err != nil {
		return err
	}
	if err := os.WriteFile(w.override(), text, 0o600); err != nil {
		return err
	}
	if err := w.tf.Init(ctx, tfexec.Reconfigure(true)); err != nil {
		return err
	}
	if importBucket {
		if err := w.tf.Import(ctx, stacks.StateBucketAddress, w.settings.State.Bucket); err != nil {
			return err
		}
	}
	if err := w.applyRepaired(ctx, known); err != nil {
		return err
	}
	fmt.Fprintf(w.out, "\nmoving the state to s3://%s/%s …\n", w.settings.State.Bucket, w.settings.State.Key)
	if err := os.Remove(w.override()); err != nil {
		return err
	}
	if err := w.tf.Init(ctx, tfexec.ForceCopy(true)); err != nil {
		return err
	}
	exists, err := inspect(ctx, w.settings)
	if err != nil {
		return err
	}
	if lost := exists.Local.unknownTo(exists.Remote); lost != "" {
		return fmt.Errorf("moving the state: got no %s in the bucket, want it as in %s, which is kept", lost,
			localState)
	}
	return removeLocalState()
}

func (w work) override() string { return filepath.Join(w.folder, overrideFile) }

// removeLocalState removes the local state and Terraform's backup of it.
func removeLocalState() error {
	var problems []error
	for _, path := range []string{localState, localState + ".backup"} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// report prints the variables that the workflows read.
func (w work) report(ctx context.Context) error {
	w.tf.SetStdout(io.Discard)
	outputs, err := w.tf.Output(ctx)
	if err != nil {
		return err
	}
	var problems []error
	value := func(name string) string {
		var text string
		if err := json.Unmarshal(outputs[name].Value, &text); err != nil {
			problems = append(problems, fmt.Errorf("output %s: %w", name, err))
		}
		return text
	}
	c := w.settings
	text := fmt.Sprintf("\nAPI_ACCESS_LOGS=on now works in %s, with %s.\n", c.Region, value("api-logs-role-arn"))
	if c.Account {
		text += "\nVariables for GitHub (settings, secrets and variables, actions):"
		for _, v := range []struct{ of, name, value string }{
			{"repository", "AWS_REGION", c.Region},
			{"repository", "TERRAFORM_STATE_BUCKET", value("state-bucket-name")},
			{"repository", "TERRAFORM_STATE_BUCKET_REGION", c.State.Region},
			{"repository", "AWS_PLAN_ROLE_ARN", value("plan-role-arn")},
			{"repository", "PREVIEW_BOUNDARY_ARN", value("preview-boundary-arn")},
			{"repository", "PRODUCTION_BOUNDARY_ARN", value("production-boundary-arn")},
			{"environment preview", "AWS_DEPLOY_ROLE_ARN", value("preview-role-arn")},
			{"environment production", "AWS_DEPLOY_ROLE_ARN", value("production-role-arn")},
		} {
			text += fmt.Sprintf("\n  %-22s  %s=%s", v.of, v.name, v.value)
		}
		text += "\n"
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	_, err = io.WriteString(w.out, text)
	return err
}
