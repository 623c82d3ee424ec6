// Command local runs the platform on this machine, and shows it at work.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"portfolio/local/platform"
	"portfolio/local/servers"
)

const usage = `Runs the whole platform on this machine, on loopback only.

usage: go run ./local COMMAND    (from the top folder, after make setup build)

  up         start it and wait until a message has gone through all of it
  down       end every process of it; its data goes, too
  status     say what runs
  demo       make a key, a portfolio and a moving market on it, until Ctrl-C
             or for a time: demo --for 30s
  watch ID   print what the WebSocket says of a portfolio, until Ctrl-C;
             PORTFOLIO_KEY is the key that demo printed
  providers  make Terraform work on a machine that cannot reach its registry

ENVIRONMENT_SUFFIX (default local) and the app's other variables count here, too.
`

// Exit statuses: 2 says that the input was bad and nothing was started.
const (
	exitFailed   = 1
	exitBadInput = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if n := len(args); n > 0 && slices.Contains([]string{"-h", "--help", "help"}, args[n-1]) {
		fmt.Fprint(stdout, usage)
		return 0
	}
	command := find(ctx, args, stdin, stdout)
	if command == nil {
		fmt.Fprintf(stderr, "local: got %q, want one of up, down, status, demo, watch, providers\n\n%s", args, usage)
		return exitBadInput
	}
	switch err := command(); {
	case err == nil:
		return 0
	case errors.As(err, &platform.BadInput{}):
		fmt.Fprintln(stderr, err)
		return exitBadInput
	default:
		fmt.Fprintf(stderr, "local %s: %v\n", args[0], err)
		return exitFailed
	}
}

// find gives what the arguments ask for, nil where they make no sense.
func find(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) func() error {
	if len(args) == 0 {
		return nil
	}
	withArguments := map[string]func() error{
		"demo":  func() error { return runDemo(ctx, args[1:], stdout) },
		"watch": func() error { return runWatch(ctx, args[1:], stdout) },
	}
	if command := withArguments[args[0]]; command != nil || len(args) > 1 {
		return command
	}
	return map[string]func() error{
		"up":        func() error { return up(ctx, stdout) },
		"down":      func() error { return down(stdout) },
		"status":    func() error { return status(stdout) },
		"providers": func() error { return platform.Providers(ctx, ".", stdout) },

		platform.FrontCommand: func() error { return servers.ServeFront(ctx, stdin) },
	}[args[0]]
}

func up(ctx context.Context, out io.Writer) error {
	p, err := platform.Up(ctx, platform.Options{Root: ".", Out: out})
	if errors.Is(err, platform.ErrRunning) {
		fmt.Fprintln(out, "The platform is running already and is left alone; make local-down ends it.")
	} else if err != nil {
		return err
	}
	describe(out, p)
	return nil
}

func describe(out io.Writer, p *platform.Platform) {
	fmt.Fprintf(out, `
WebSocket  %s   (its host is 127.0.0.1)
API        %s
AWS        %s
Outputs    .local/outputs.json
Try        curl -s %[2]s/ready
`, p.Endpoints.WebSocket, p.Endpoints.API, p.Endpoints.AWS)
}

func down(out io.Writer) error {
	running, err := platform.Running(".")
	if err != nil {
		return err
	}
	if err := platform.Down("."); err != nil {
		return err
	}
	if len(running) == 0 {
		fmt.Fprintln(out, "Nothing was running.")
		return nil
	}
	fmt.Fprintf(out, "%d processes ended; the platform's data went with them.\n", len(running))
	return nil
}

func status(out io.Writer) error {
	running, err := platform.Running(".")
	if err != nil {
		return err
	}
	for _, line := range running {
		fmt.Fprintln(out, line)
	}
	p, err := platform.Open(".")
	if errors.Is(err, platform.ErrDown) {
		fmt.Fprintln(out, "The platform is not running.")
		return nil
	}
	if err != nil {
		return err
	}
	describe(out, p)
	return nil
}
