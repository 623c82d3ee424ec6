// Command portfolio is the portfolio service. It answers health checks at once
// and finds its database, cache and secrets in the background.
package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"portfolio/contract/setting"

	"github.com/caarlos0/env/v11"
)

const usage = `Usage: portfolio [--help | --version]
       portfolio key create --owner NAME --scopes LIST --label TEXT

Serves the portfolio platform until SIGTERM or SIGINT, then finishes the calls
under way. Exit status 2: bad arguments or environment; 1: any other error.

key create makes an API key and prints it once, on standard output; what is kept
is its hash. It migrates the database if that was not done yet.
  --owner NAME   whose portfolios it opens, 1-100 characters
  --scopes LIST  what it may do: of read,trade,feed,admin
  --label TEXT   what it is for, 1-100 characters

Environment:
  ENVIRONMENT_SUFFIX  name of the environment
  AWS_REGION          region of its secrets and bucket
  AWS_ENDPOINT_URL    where AWS is, for an emulator
  LISTEN_ADDRESS      [IP]:port to serve on (:80)
  LOG_FILE            file to append the log to (standard error)
  DB_HOST, DB_PORT    PostgreSQL (port 5432), by the name in its certificate
  DB_NAME             database (portfolio)
  DB_SECRET_ARN       secret {"username","password"} of the database
  DB_CA_FILE          PEM, authorities that may sign the database's certificate
  CACHE_ENDPOINT      host:port of Valkey, a cluster with TLS
  CACHE_CA_FILE       PEM, authorities of Valkey's certificate (the system's)
  HISTORY_BUCKET      S3 bucket of past days
  SIGNING_SECRET_ARN  secret, the key of the WebSocket handler's calls
  QUOTE_TTL           age at which a quote is read again (60s)
  PUSH_RATE           messages to WebSockets a second (1500: of the 10,000
                      requests that API Gateway gives an account by default,
                      a sixth, less what comes in)
  KEY_RATE            calls a second of one API key at this instance (100)
`

// inputError is what is wrong with the arguments or the environment.
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

// run is the whole program, until ctx ends.
func run(ctx context.Context, args []string, environ map[string]string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("portfolio", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run's error says it
	version := flags.Bool("version", false, "")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		_, err = io.WriteString(stdout, usage)
		return err
	case err != nil:
		return inputError{fmt.Errorf("arguments: %w; see portfolio --help", err)}
	case flags.Arg(0) == "key":
		return key(ctx, flags.Args()[1:], environ, stdout, stderr)
	case flags.NArg() > 0:
		return inputError{setting.Problem("arguments", flags.Arg(0), "none, or key create; see portfolio --help")}
	}
	build, err := buildID()
	if err != nil {
		return err
	}
	if *version {
		_, err = fmt.Fprintf(stdout, "portfolio %s %s\n", build, runtime.Version())
		return err
	}
	s, err := load(environ)
	if err != nil {
		return inputError{err}
	}
	out := stderr
	if s.LogFile != "" {
		// Appending, so that a log rotated by copying and emptying goes on from its start.
		f, err := os.OpenFile(s.LogFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return inputError{setting.Problem("LOG_FILE", s.LogFile, "a file to append to ("+errors.Unwrap(err).Error()+")")}
		}
		defer f.Close()
		out = f
	}
	log := slog.New(slog.NewJSONHandler(out, nil)).With("environment", s.Suffix)
	log.Info("start", "build", build, "go", runtime.Version(), "quoteTtl", s.QuoteTTL.String())
	if err := serve(ctx, s, log); err != nil {
		log.Error("end", "error", err.Error())
		return err
	}
	log.Info("end")
	return nil
}

// buildID names this binary as its place in the artifacts bucket does: by hash.
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
