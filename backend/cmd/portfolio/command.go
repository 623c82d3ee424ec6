package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

// newCommand returns the command line. Without arguments it runs the service.
func newCommand(environ map[string]string) *cobra.Command {
	var version bool
	c := &cobra.Command{
		Use:   "portfolio",
		Short: "Serve the portfolio platform",
		Long: `Serves the portfolio platform until SIGTERM or SIGINT, and then finishes the
calls in flight.

Exit status: 2 for invalid arguments or environment variables, 1 for any other
error.

Environment variables:
` + environmentHelp(),
		RunE: func(c *cobra.Command, _ []string) error {
			if !version {
				return runService(c.Context(), environ, c.ErrOrStderr())
			}
			build, err := buildID()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "portfolio %s %s\n", build, runtime.Version())
			return err
		},
	}
	c.Flags().BoolVar(&version, "version", false, "print the hash of this binary and the version of Go")
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return inputError{fmt.Errorf("arguments: %w; see %s --help", err, c.CommandPath())}
	})
	c.AddCommand(newKeyCommand(environ))
	return c
}
