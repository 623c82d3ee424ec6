package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"portfolio/ops/eject"

	"github.com/spf13/cobra"
)

func ejectCommand(s session) *cobra.Command {
	return &cobra.Command{
		Use:   "eject",
		Short: "Write an environment as HCL: the way out of CDKTF",
		Long: `Writes the environment of the settings as HCL to build/eject/STACK, from the JSON in
build/stacks/STACK, which CDKTF_OUTDIR=build go run . synthesizes; make eject does
both. terraform on PATH reads its providers' schemas.

Exit status: 0, 1 where Terraform fails, 2 for a wrong command line, settings or
stack: nothing is written.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.eject(cmd.Context(), s.out) },
	}
}

// eject writes the environment of the settings as HCL.
func (s session) eject(ctx context.Context, progress io.Writer) error {
	c, err := s.load()
	if err != nil {
		return err
	}
	target := filepath.Join("build", "eject", c.Names.Stack)
	err = eject.Write(ctx, filepath.Join("build", "stacks", c.Names.Stack), target, progress)
	if errors.Is(err, eject.ErrInput) {
		return usageError{err}
	}
	if err != nil {
		return fmt.Errorf("eject: %w", err)
	}
	fmt.Fprintf(s.out, "%s: terraform init and plan there show no change.\n", target)
	return nil
}
