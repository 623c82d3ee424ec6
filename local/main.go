// Command local runs the platform on this machine: up, down, status.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"portfolio/local/platform"
	"portfolio/local/servers"
)

const usage = `Runs the whole platform on this machine, on loopback only.

usage: go run ./local COMMAND    (from the top folder, after make setup build)

  up         start it and wait until a message has gone through all of it
  down       end every process of it; its data goes, too
  status     say what runs
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
	commands := map[string]func() error{
		"up":        func() error { return up(ctx, stdout) },
		"down":      func() error { return down(stdout) },
		"status":    func() error { return status(stdout) },
		"providers": func() error { return platform.Providers(ctx, ".", stdout) },

		platform.FrontCommand: func() error { return servers.ServeFront(ctx, stdin) },
	}
	if len(args) == 1 && (args[0] == "-h" || args[0] == "--help" || args[0] == "help") {
		fmt.Fprint(stdout, usage)
		return 0
	}
	if len(args) != 1 || commands[args[0]] == nil {
		fmt.Fprintf(stderr, "local: got %q, want one of up, down, status, providers\n\n%s", args, usage)
		return exitBadInput
	}
	switch err := commands[args[0]](); {
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
