package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"portfolio/contract/commandline"
	"portfolio/ops/eject"

	"github.com/spf13/cobra"
)

func ejectCommand(s session) *cobra.Command {
	return &cobra.Command{
		Use:   "eject",
		Short: "Write an environment as HCL: the way out of CDKTF",
		Long: `Writes the environment that the settings name as HCL to build/eject/STACK, from
the JSON in build/stacks/STACK, which CDKTF_OUTDIR=build go run . synthesizes;
make eject does both. It then validates the HCL with terraform from PATH and, if
the state can be read, plans it: the plan must be empty.

Exit status:
  0  written, and nothing changes
  1  Terraform fails, or the HCL is not valid
  2  invalid command line, settings or stack: nothing is written
  3  written, and the plan is not empty: deploy the app first, or see what
     differs`,
		Args: commandline.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.eject(cmd.Context()) },
	}
}

// exitDiffers is eject's status where the plan of what it wrote is not empty.
const exitDiffers = 3

// eject writes the environment of the settings as HCL.
func (s session) eject(ctx context.Context) error {
	c, err := s.load()
	if err != nil {
		return err
	}
	target := filepath.Join("build", "eject", c.Names.Stack)
	err = eject.Write(ctx, filepath.Join("build", "stacks", c.Names.Stack), target, s.out)
	if errors.As(err, &eject.InputError{}) {
		return usageError{err}
	}
	if err != nil {
		return fmt.Errorf("eject: %w", err)
	}
	changes, err := eject.Verify(ctx, target, s.environ, s.out)
	if err != nil {
		return fmt.Errorf("eject: %w", err)
	}
	if len(changes) > 0 {
		return statusError{exitDiffers, fmt.Sprintf("eject: %s: got a plan of %d changes, want none:\n  %s", target,
			len(changes), strings.Join(changes, "\n  "))}
	}
	fmt.Fprintf(s.out, "%s: written.\n", target)
	return nil
}
