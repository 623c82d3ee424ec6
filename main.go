// Command portfolio synthesizes the platform's infrastructure: environment
// variables in, Terraform JSON in cdktf.out (or CDKTF_OUTDIR) out.
package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"

	"portfolio/config"
	"portfolio/fastsynth"
	"portfolio/stacks"

	"github.com/aws/jsii-runtime-go"
	"github.com/caarlos0/env/v11"
	"github.com/hashicorp/terraform-cdk-go/cdktf"
)

// Exit statuses: 2 says that the input was bad and nothing was written.
const (
	exitFailed   = 1
	exitBadInput = 2
)

func main() {
	os.Exit(run(env.ToMap(os.Environ()), os.DirFS("."), os.Stderr))
}

// run synthesizes one environment and returns the exit status. Errors of jsii
// arrive as panics, and this is the only place that recovers.
func run(environ map[string]string, root fs.FS, stderr io.Writer) (status int) {
	// The bindings unpack jsii's runtime into the temporary folder as soon as they
	// are loaded, so it is removed whatever comes.
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
