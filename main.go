// Command portfolio synthesizes the platform's infrastructure: it reads environment
// variables and writes Terraform JSON to cdktf.out, or CDKTF_OUTDIR.
package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"

	"portfolio/config"
	"portfolio/fastsynth"
	"portfolio/fastsynth/tempdir"
	"portfolio/stacks"

	"github.com/aws/jsii-runtime-go"
	"github.com/caarlos0/env/v11"
	"github.com/hashicorp/terraform-cdk-go/cdktf"
)

// Exit statuses; after bad input nothing is written.
const (
	exitFailed   = 1
	exitBadInput = 2
)

func main() {
	tempdir.ExitOnSignal()
	os.Exit(run(env.ToMap(os.Environ()), os.DirFS("."), os.Stderr))
}

// run synthesizes one environment and returns the exit status. jsii reports errors by
// panicking; run recovers and reports them.
func run(environ map[string]string, root fs.FS, stderr io.Writer) (status int) {
	defer tempdir.Remove()
	defer jsii.Close()
	c, err := config.Load(environ, root)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitBadInput
	}
	for _, warning := range c.Warnings() {
		fmt.Fprintln(stderr, "warning:", warning)
	}
	defer func() {
		if failure := recover(); failure != nil {
			tempdir.AwaitSignal()
			fmt.Fprintln(stderr, "synth:", failure)
			status = exitFailed
		}
	}()
	fastsynth.Enable()
	app := cdktf.NewApp(nil)
	stacks.NewPlatform(app, c)
	app.Synth()
	return 0
}
