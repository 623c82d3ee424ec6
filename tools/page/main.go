// Page measures the page in a browser on the running local platform, and writes its
// section of docs/performance.md: measure takes medians of the first paint and the first
// value, soak watches 300 positions for MINUTES. Fewer than 10 are printed only. It fails
// if a target is missed.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"

	"portfolio/local/platform"
	"portfolio/tools/section"
)

// soakMinutes is how long a soak takes that is worth keeping.
const soakMinutes = 10

// scripts are the files in test/browser that can be run.
var scripts = []string{"measure", "soak"}

func main() {
	if len(os.Args) != 2 || !slices.Contains(scripts, os.Args[1]) {
		fmt.Fprintf(os.Stderr, "page: got %q, want one of %q\n", os.Args[1:], scripts)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "page:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, script string) error {
	p, err := platform.Place{Root: ".", Folder: ".local"}.Open()
	if err != nil {
		return fmt.Errorf("run make local first: %w", err)
	}
	env := append(os.Environ(), "PORTFOLIO_PAGE="+p.Endpoints.Page)
	for variable, owner := range map[string]string{"PORTFOLIO_KEY": "page", "PORTFOLIO_OTHER_KEY": "page-other"} {
		key, err := p.CreateKey(ctx, owner, "make "+script, "read,trade,feed,admin")
		if err != nil {
			return err
		}
		env = append(env, variable+"="+key)
	}
	var report bytes.Buffer
	cmd := exec.CommandContext(ctx, "node", "test/browser/"+script+".mjs")
	cmd.Env, cmd.Stdout, cmd.Stderr = env, io.MultiWriter(os.Stdout, &report), os.Stderr
	err = cmd.Run()
	if report.Len() == 0 || !worthKeeping(script) {
		return err
	}
	// A missed target is written down, too.
	return errors.Join(err, section.Write(filepath.Join("docs", "performance.md"), report.String()))
}

// worthKeeping reports whether a measurement took as long as its target says.
func worthKeeping(script string) bool {
	minutes, given := os.LookupEnv("MINUTES")
	if script != "soak" || !given {
		return true
	}
	n, err := strconv.ParseFloat(minutes, 64)
	return err == nil && n >= soakMinutes
}
