package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"time"

	"portfolio/config"

	"github.com/hashicorp/terraform-exec/tfexec"
	tfjson "github.com/hashicorp/terraform-json"
)

// terraform is what commands delegate to Terraform.
type terraform interface {
	// destroy removes an environment as cdktf destroy would. It waits up to lockTimeout
	// for the lock of its state; the error says who holds it.
	destroy(ctx context.Context, e environment, lockTimeout time.Duration) error
	// drift plans what was changed outside Terraform. It takes no
	// lock and changes nothing.
	drift(ctx context.Context, e environment) (*tfjson.Plan, error)
	// plan plans what a deploy would do, or everything if there is no state. It takes
	// no lock and changes nothing.
	plan(ctx context.Context, e environment) (*tfjson.Plan, error)
	// synth returns the Terraform JSON of an environment, without credentials.
	synth(ctx context.Context, e environment) ([]byte, error)
}

const (
	progressEvery = 10 * time.Second
	parallelism   = 32 // resources at once: most of them only wait

	waitedAfterInterrupt = 10 * time.Minute // before Terraform is killed
)

// cli runs Terraform from PATH on what the app in this folder synthesizes.
type cli struct {
	environ map[string]string
	root    fs.FS // the working directory
	out     io.Writer
}

func (t cli) destroy(ctx context.Context, e environment, lockTimeout time.Duration) error {
	return t.open(ctx, e, func(tf *tfexec.Terraform) error {
		stop := t.follow(tf, e.Suffix)
		defer stop()
		return tf.Destroy(ctx, tfexec.LockTimeout(lockTimeout.String()), tfexec.Parallelism(parallelism))
	})
}

func (t cli) drift(ctx context.Context, e environment) (*tfjson.Plan, error) {
	plan, differs, err := t.planned(ctx, e, tfexec.RefreshOnly(true))
	if !differs {
		return nil, err
	}
	return plan, err
}

func (t cli) plan(ctx context.Context, e environment) (*tfjson.Plan, error) {
	plan, _, err := t.planned(ctx, e)
	return plan, err
}

// planned plans without a lock; differs is what Terraform says of the plan.
func (t cli) planned(ctx context.Context, e environment,
	how ...tfexec.PlanOption) (plan *tfjson.Plan, differs bool, err error) {
	err = t.open(ctx, e, func(tf *tfexec.Terraform) error {
		stop := t.follow(tf, e.Suffix)
		defer stop()
		const file = "ops.tfplan"
		differs, err = tf.Plan(ctx, append(how, tfexec.Lock(false), tfexec.Out(file),
			tfexec.Parallelism(parallelism))...)
		if err != nil {
			return err
		}
		tf.SetStdout(io.Discard) // the plan as JSON is not progress
		plan, err = tf.ShowPlanFile(ctx, file)
		return err
	})
	return plan, differs, err
}

func (t cli) synth(ctx context.Context, e environment) (text []byte, err error) {
	err = t.synthesized(ctx, e, func(stack string, _ map[string]string) error {
		text, err = os.ReadFile(filepath.Join(stack, "cdk.tf.json"))
		return err
	})
	return text, err
}

// settings returns the app's settings for an environment, as far as its state has them.
func (t cli) settings(e environment) (map[string]string, config.Config, error) {
	environ := maps.Clone(t.environ)
	environ["ENVIRONMENT_SUFFIX"], environ["AWS_REGION"] = e.Suffix, e.Region
	for name, value := range map[string]string{"PORTFOLIO_PROFILE": e.Profile, "COMMIT_SHA": e.Commit,
		"COMMIT_AUTHOR": e.Author} {
		if value != "" {
			environ[name] = value
		}
	}
	c, err := config.Load(environ, t.root)
	if err == nil && e.Region != "" && c.Region != e.Region {
		// In another region Terraform would find nothing and drop everything from the state.
		err = fmt.Errorf("%s: got %s, want nothing or %s, where the environment is",
			config.RegionFile, c.Region, e.Region)
	}
	return environ, c, err
}

// open synthesizes an environment and initializes Terraform in it.
func (t cli) open(ctx context.Context, e environment, do func(*tfexec.Terraform) error) error {
	path, err := exec.LookPath("terraform")
	if err != nil {
		return fmt.Errorf("terraform: got none, want it on PATH")
	}
	return t.synthesized(ctx, e, func(stack string, environ map[string]string) error {
		tf, err := tfexec.NewTerraform(stack, path)
		if err != nil {
			return err
		}
		if err := tf.SetEnv(tfexec.CleanEnv(environ)); err != nil {
			return err
		}
		// Interrupted, it finishes what is in flight and writes its state.
		if err := tf.SetWaitDelay(waitedAfterInterrupt); err != nil {
			return err
		}
		t.say(e.Suffix, "terraform init")
		if err := tf.Init(ctx); err != nil {
			return err
		}
		return do(tf)
	})
}

// synthesized synthesizes an environment into a folder that exists while do runs. The
// folder is as deep in the checkout as cdktf.out, so that the stack's relative paths
// hold, and used only by this call, so that two programs can run in one checkout.
func (t cli) synthesized(ctx context.Context, e environment,
	do func(stack string, environ map[string]string) error) (err error) {
	environ, c, err := t.settings(e)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp(".", ".ops-")
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, os.RemoveAll(folder)) }()
	environ["CDKTF_OUTDIR"] = folder
	t.say(e.Suffix, "synthesizing")
	if err := synthesize(ctx, environ); err != nil {
		return err
	}
	return do(filepath.Join(folder, "stacks", c.Names.Stack), environ)
}

// synthesize runs the app as the cdktf CLI would.
func synthesize(ctx context.Context, environ map[string]string) error {
	cmd := exec.CommandContext(ctx, "go", "run", ".")
	for name, value := range environ {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	// go run and jsii have children, which end with them.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("synth: %w\n%s", err, out)
	}
	return nil
}

func (t cli) say(suffix, text string) { fmt.Fprintf(t.out, "%s: %s\n", suffix, text) }

// progressLine matches the lines in which Terraform reports progress; no other line of
// a plan is repeated here.
var progressLine = regexp.MustCompile(`Acquiring state lock|: (?:Refreshing state|Reading|Still reading|Destroying|Still destroying|Destruction complete)\b`)

// follow reports what Terraform is doing, every few seconds until it is stopped.
func (t cli) follow(tf *tfexec.Terraform, suffix string) (stop func()) {
	reader, writer := io.Pipe()
	tf.SetStdout(writer)
	began := time.Now()
	var mutex sync.Mutex
	last := "terraform"
	var all sync.WaitGroup
	all.Go(func() {
		lines := bufio.NewScanner(reader)
		for lines.Scan() {
			if text := lines.Text(); progressLine.MatchString(text) {
				mutex.Lock()
				last = text
				mutex.Unlock()
			}
		}
		_, _ = io.Copy(io.Discard, reader) // a line too long for the scanner
	})
	ended := make(chan struct{})
	all.Go(func() {
		ticker := time.NewTicker(progressEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ended:
				return
			case <-ticker.C:
				mutex.Lock()
				t.say(suffix, fmt.Sprintf("%s: %s", time.Since(began).Round(time.Second), last))
				mutex.Unlock()
			}
		}
	})
	return func() {
		close(ended)
		_ = writer.Close()
		all.Wait()
	}
}
