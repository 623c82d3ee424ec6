package eject

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"portfolio/config/tfstate"

	"github.com/hashicorp/terraform-exec/tfexec"
	tfjson "github.com/hashicorp/terraform-json"
)

// Verify has Terraform validate a folder that Write wrote and, where its state can be
// read, plan it, without a lock. It returns what the plan would change, a line each:
// none if the environment is as the stack describes it.
func Verify(ctx context.Context, folder string, environ map[string]string, progress io.Writer) ([]string, error) {
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		return nil, errors.New("terraform: got none, want it on PATH")
	}
	tf, err := tfexec.NewTerraform(folder, terraform)
	if err != nil {
		return nil, err
	}
	if err := tf.SetEnv(tfexec.CleanEnv(environ)); err != nil {
		return nil, err
	}
	fmt.Fprintln(progress, "terraform validate …")
	if err := tf.Init(ctx, tfexec.Backend(false)); err != nil {
		return nil, err
	}
	valid, err := tf.Validate(ctx)
	if err != nil {
		return nil, err
	}
	if !valid.Valid {
		return nil, fmt.Errorf("terraform validate: %s: %w", folder, problemsOf(valid))
	}
	deployed, err := deployed(ctx, tf)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		fmt.Fprintf(progress, "The state cannot be read, so nothing is planned: %s\n", firstLine(err))
		return nil, nil
	}
	if !deployed {
		fmt.Fprintln(progress, "The state holds no resources, so nothing is planned.")
		return nil, nil
	}
	fmt.Fprintln(progress, "terraform plan …")
	return planned(ctx, tf, folder)
}

// deployed reports whether the state holds anything.
func deployed(ctx context.Context, tf *tfexec.Terraform) (bool, error) {
	if err := tf.Init(ctx, tfexec.Reconfigure(true)); err != nil {
		return false, err
	}
	text, err := tf.StatePull(ctx)
	if err != nil {
		return false, err
	}
	state, err := tfstate.Read([]byte(text))
	return len(state.Managed()) > 0, err
}

func planned(ctx context.Context, tf *tfexec.Terraform, folder string) (changes []string, err error) {
	const file = "eject.tfplan"
	defer func() { err = errors.Join(err, os.RemoveAll(filepath.Join(folder, file))) }()
	differs, err := tf.Plan(ctx, tfexec.Lock(false), tfexec.Out(file))
	if err != nil || !differs {
		return nil, err
	}
	plan, err := tf.ShowPlanFile(ctx, file)
	if err != nil {
		return nil, err
	}
	for _, r := range plan.ResourceChanges {
		if !r.Change.Actions.NoOp() || r.Change.Importing != nil || r.PreviousAddress != "" {
			changes = append(changes, fmt.Sprintf("%s: %s", r.Address, actions(r.Change.Actions)))
		}
	}
	for name, output := range plan.OutputChanges {
		if !output.Actions.NoOp() {
			changes = append(changes, fmt.Sprintf("output %s: %s", name, actions(output.Actions)))
		}
	}
	slices.Sort(changes)
	if len(changes) == 0 {
		changes = []string{"something besides resources and outputs"}
	}
	return changes, nil
}

func actions(all tfjson.Actions) string {
	var words []string
	for _, action := range all {
		words = append(words, string(action))
	}
	return strings.Join(words, ", ")
}

// problemsOf returns what Terraform finds wrong with a configuration, by file and line.
func problemsOf(valid *tfjson.ValidateOutput) error {
	var problems []error
	for _, d := range valid.Diagnostics {
		if d.Severity != tfjson.DiagnosticSeverityError {
			continue
		}
		where := ""
		if d.Range != nil {
			where = fmt.Sprintf("%s:%d: ", d.Range.Filename, d.Range.Start.Line)
		}
		problems = append(problems, fmt.Errorf("%s%s: %s", where, d.Summary, d.Detail))
	}
	return errors.Join(problems...)
}

// firstLine returns the line of an error of Terraform's that says what is wrong.
func firstLine(err error) string {
	for line := range strings.Lines(err.Error()) {
		if _, text, found := strings.Cut(line, "Error: "); found {
			return strings.TrimSpace(text)
		}
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
