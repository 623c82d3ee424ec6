// Command local runs the platform on this machine, and a demonstration on it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"portfolio/contract/commandline"
	"portfolio/local/platform"
	"portfolio/local/servers"

	"github.com/spf13/cobra"
)

// Exit statuses: 2 means that the input was bad and nothing was started.
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
	root := newRoot()                         //nolint:contextcheck // commands have the context of ExecuteContext
	root.SetArgs(append([]string{}, args...)) // nil would mean the arguments of this process
	root.SetIn(stdin)
	root.SetErr(stderr)
	command, err := commandline.Run(ctx, root, stdout)
	switch {
	case err == nil:
		return 0
	case errors.As(err, &platform.BadInput{}):
		fmt.Fprintln(stderr, err)
		return exitBadInput
	default:
		fmt.Fprintf(stderr, "%s: %v\n", command.CommandPath(), err)
		return exitFailed
	}
}

// newRoot returns the command line. Errors in it are BadInput.
func newRoot() *cobra.Command {
	at := &platform.Place{Root: "."}
	root := &cobra.Command{
		Use:   "local",
		Short: "Run the whole platform on this machine, on loopback only",
		Long: `Runs the whole platform on this machine, on loopback only. Call it from the top
folder of the checkout. make local builds what it needs and calls local up.

ENVIRONMENT_SUFFIX (default local) and the app's other variables apply here,
too.`,
	}
	root.PersistentFlags().StringVar(&at.Folder, "folder", ".local",
		"folder of the platform's files; each folder has its own platform")
	root.AddCommand(upCommand(at), downCommand(at), statusCommand(at), demoCommand(at), watchCommand(at),
		providersCommand(at), frontCommand())
	root.SetFlagErrorFunc(badInput)
	return root
}

// badInput marks an error in the command line and says where it is.
func badInput(c *cobra.Command, err error) error {
	return platform.BadInput{Err: fmt.Errorf("%s: %w", c.CommandPath(), err)}
}

func upCommand(at *platform.Place) *cobra.Command {
	var options platform.Options
	c := &cobra.Command{
		Use:   "up",
		Short: "Start the platform and send a message through all of it",
		Args:  commandline.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			options.Out = c.OutOrStdout()
			p, err := at.Up(c.Context(), options)
			if errors.Is(err, platform.ErrRunning) {
				fmt.Fprintln(c.OutOrStdout(),
					"The platform is already running and is left as it is; make local-down stops it.")
			} else if err != nil {
				return err
			}
			describe(c.OutOrStdout(), *at, p)
			return nil
		},
	}
	c.Flags().BoolVar(&options.OtherPorts, "other-ports", false, "leave the usual ports to another platform")
	return c
}

func describe(out io.Writer, at platform.Place, p *platform.Platform) {
	fmt.Fprintf(out, `
Page       %[6]s
WebSocket  %[1]s
           (its host name is not in DNS: dial 127.0.0.1)
API        %[2]s
AWS        %[3]s
Ports      %[4]s
Outputs    %[5]s/outputs.json
Try        curl -s %[2]s/ready
`, p.Endpoints.WebSocket, p.Endpoints.API, p.Endpoints.AWS, p.Ports(), at.Folder, p.Endpoints.Page)
}

func downCommand(at *platform.Place) *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "End every process of the platform and delete its data",
		Args:  commandline.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			running, err := at.Running()
			if err != nil {
				return err
			}
			if err := at.Down(); err != nil {
				return err
			}
			if len(running) == 0 {
				fmt.Fprintln(c.OutOrStdout(), "Nothing was running.")
				return nil
			}
			fmt.Fprintf(c.OutOrStdout(), "%d processes ended, and the platform's data is deleted.\n", len(running))
			return nil
		},
	}
}

func statusCommand(at *platform.Place) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "List the processes and endpoints of the platform",
		Args:  commandline.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			running, err := at.Running()
			if err != nil {
				return err
			}
			for _, line := range running {
				fmt.Fprintln(c.OutOrStdout(), line)
			}
			p, err := at.Open()
			if errors.Is(err, platform.ErrDown) {
				fmt.Fprintln(c.OutOrStdout(), "The platform is not running.")
				return nil
			}
			if err != nil {
				return err
			}
			describe(c.OutOrStdout(), *at, p)
			return nil
		},
	}
}

func providersCommand(at *platform.Place) *cobra.Command {
	return &cobra.Command{
		Use:   "providers",
		Short: "Make Terraform work on a machine that cannot reach its registry",
		Args:  commandline.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return platform.Providers(c.Context(), at.Root, c.OutOrStdout())
		},
	}
}

// frontCommand is what the platform starts for Valkey's TLS listener.
func frontCommand() *cobra.Command {
	return &cobra.Command{
		Use:    platform.FrontCommand,
		Hidden: true,
		Args:   commandline.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return servers.ServeFront(c.Context(), c.InOrStdin())
		},
	}
}
