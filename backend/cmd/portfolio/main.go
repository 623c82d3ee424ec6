// Command portfolio is the portfolio service. It answers health checks immediately
// and connects to its database, cache and secrets in the background.
package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"portfolio/contract/commandline"
	"portfolio/contract/setting"

	"github.com/caarlos0/env/v11"
)

// inputError reports invalid arguments or an invalid environment.
type inputError struct{ error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := run(ctx, os.Args[1:], env.ToMap(os.Environ()), os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(exitStatus(err))
}

func exitStatus(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.As(err, &inputError{}):
		return 2
	default:
		return 1
	}
}

// run executes the command line until it is done or ctx ends.
func run(ctx context.Context, args []string, environ map[string]string, stdout, stderr io.Writer) error {
	c := newCommand(environ) //nolint:contextcheck // commands have the context of ExecuteContext
	c.SetArgs(args)
	c.SetErr(stderr)
	_, err := commandline.Run(ctx, c, stdout)
	return err
}

// runService serves with the settings of an environment and logs to LOG_FILE, or
// to stderr if that is empty.
func runService(ctx context.Context, environ map[string]string, stderr io.Writer) error {
	s, err := load(environ)
	if err != nil {
		return inputError{err}
	}
	build, err := buildID()
	if err != nil {
		return err
	}
	out := stderr
	if s.LogFile != "" {
		// In append mode, so that logging continues at the start of a file that
		// logrotate copied and truncated.
		f, err := os.OpenFile(s.LogFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return inputError{setting.Problem("LOG_FILE", s.LogFile,
				"a file to append to ("+errors.Unwrap(err).Error()+")")}
		}
		defer f.Close()
		out = f
	}
	log := slog.New(slog.NewJSONHandler(out, nil)).With("environment", s.Suffix)
	log.Info("service starting", "build", build, "go", runtime.Version(), "quoteTtl", s.QuoteTTL.String())
	limitMemory()
	if err := serve(ctx, s, log); err != nil {
		log.Error("service failed", slog.Any("error", err))
		return err
	}
	log.Info("service stopped")
	return nil
}

// limitMemory lets garbage be collected less often than Go does by default, which
// costs a tenth of the processor time, as long as the process is small: an instance has
// 4 GiB. GOGC and GOMEMLIMIT count where they are set.
func limitMemory() {
	const percent, limit = 400, 2 << 30
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit)
	}
}

// buildID returns the hash of this binary, which is also its name in the artifacts
// bucket.
func buildID() (string, error) {
	file, err := os.Executable()
	if err != nil {
		return "", err
	}
	f, err := os.Open(file) //nolint:gosec // this program itself
	if err != nil {
		return "", err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return "", err
	}
	return fmt.Sprintf("sha256:%x", hash.Sum(nil)), nil
}
