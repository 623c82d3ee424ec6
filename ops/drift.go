package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"portfolio/ops/plan"

	"github.com/spf13/cobra"
)

// exitDrift is drift's status where something was changed outside Terraform.
const exitDrift = 3

func driftCommand(s session) *cobra.Command {
	var folder string
	cmd := &cobra.Command{
		Use:   "drift [SUFFIX…]",
		Short: "Report what was changed outside Terraform",
		Long: `Compares what is deployed with its state, for the environments named or else for
all that have one, whatever the configuration of this checkout says. It changes
nothing and takes no lock.

Exit status:
  0  no drift
  1  an environment could not be compared, whatever the others have
  2  wrong command line or settings
  3  drift`,
		RunE: func(cmd *cobra.Command, suffixes []string) error {
			_, all, err := s.deployed(cmd.Context())
			if err != nil {
				return err
			}
			if all, err = named(all, suffixes); err != nil {
				return err
			}
			return drifts{cli{s.environ, s.root, s.out}, s.out, folder}.run(cmd.Context(), all)
		},
	}
	cmd.Flags().StringVar(&folder, "out", "", "write `DIR`/SUFFIX.md, what changed, for each environment that drifted")
	return cmd
}

// named chooses environments by their suffixes, all where there is no suffix. One
// without state is an environment whose state nobody can read.
func named(all []environment, suffixes []string) ([]environment, error) {
	if len(suffixes) == 0 {
		return all, nil
	}
	var chosen []environment
	for _, suffix := range suffixes {
		if _, ok := suffixOf(suffix + "/portfolio-" + suffix + ".tfstate"); !ok {
			return nil, usageError{fmt.Errorf("drift: got %q, want a suffix", suffix)}
		}
		at := slices.IndexFunc(all, func(e environment) bool { return e.Suffix == suffix })
		if at < 0 {
			chosen = append(chosen, environment{Suffix: suffix, Problem: "it has no state"})
			continue
		}
		chosen = append(chosen, all[at])
	}
	return chosen, nil
}

// drifts compares environments with their states.
type drifts struct {
	terraform terraform
	out       io.Writer
	folder    string // of the reports; empty: none
}

// run goes through all environments: one that fails does not stop the others.
func (d drifts) run(ctx context.Context, all []environment) error {
	drifted := 0
	var failed []error
	for _, e := range all {
		card, err := d.compare(ctx, e)
		switch {
		case err != nil:
			fmt.Fprintf(d.out, "%s: could not be compared\n", plain(e.Suffix))
			failed = append(failed, fmt.Errorf("%s: %w", plain(e.Suffix), err))
		case len(card.Drift) > 0:
			drifted++
			fmt.Fprintf(d.out, "%s: drift: %d changed outside Terraform\n", plain(e.Suffix), len(card.Drift))
			if err := d.report(e, card); err != nil {
				failed = append(failed, err)
			}
		case e.empty():
			fmt.Fprintf(d.out, "%s: nothing is deployed\n", plain(e.Suffix))
		default:
			fmt.Fprintf(d.out, "%s: no drift\n", plain(e.Suffix))
		}
	}
	fmt.Fprintf(d.out, "Drift in %d of %d.\n", drifted, len(all))
	if len(failed) > 0 {
		return errors.Join(failed...)
	}
	if drifted > 0 {
		return statusError{status: exitDrift}
	}
	return nil
}

func (d drifts) compare(ctx context.Context, e environment) (plan.Card, error) {
	switch {
	case ctx.Err() != nil:
		return plan.Card{}, ctx.Err()
	case e.Resources == nil:
		return plan.Card{}, errors.New(e.Problem)
	case e.empty():
		return plan.Card{}, nil
	case e.Region == "":
		return plan.Card{}, errors.New("its state does not say its region: deploy it once more")
	}
	p, err := d.terraform.drift(ctx, e)
	if err != nil || p == nil {
		return plan.Card{}, err
	}
	return plan.New(p), nil
}

// report writes what changed in an environment. Terraform planned it, so that its
// suffix is one that a file can be named by.
func (d drifts) report(e environment, card plan.Card) error {
	if d.folder == "" {
		return nil
	}
	if err := os.MkdirAll(d.folder, 0o755); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if err := os.WriteFile(filepath.Join(d.folder, e.Suffix+".md"), []byte(card.DriftMarkdown(e.Suffix)), 0o644); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}
