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
		Long: `Compares what is deployed with its state, for the named environments or, without
names, for all that have a state. The configuration in this checkout does not
matter. It changes nothing and takes no lock. An environment that cannot be
compared does not stop the others.

Exit status:
  0  no drift
  1  an environment could not be compared, even if others drift
  2  invalid command line or settings
  3  drift`,
		RunE: func(cmd *cobra.Command, suffixes []string) error {
			all, err := s.deployed(cmd.Context())
			if err != nil {
				return err
			}
			if all, err = named(all, suffixes); err != nil {
				return err
			}
			return drifts{cli{s.environ, s.root, s.out}, s.out, folder}.run(cmd.Context(), all)
		},
	}
	cmd.Flags().StringVar(&folder, "out", "",
		"create `DIR` and write SUFFIX.md for each environment that drifted, SUFFIX.failed for each that could not be "+
			"compared")
	return cmd
}

// named chooses environments by their suffixes, or all of them if none is given. One
// without a state is treated like one whose state cannot be read.
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
	if d.folder != "" { // it shows that the environments were listed, even if none drifted
		if err := os.MkdirAll(d.folder, 0o755); err != nil {
			return fmt.Errorf("report: %w", err)
		}
	}
	drifted := 0
	var failed []error
	for _, e := range all {
		card, err := d.compare(ctx, e)
		switch {
		case err != nil:
			fmt.Fprintf(d.out, "%s: could not be compared\n", plain(e.Suffix))
			failed = append(failed, fmt.Errorf("%s: %w", plain(e.Suffix), err))
			if err := d.write(e.Suffix+failedReport, ""); err != nil {
				failed = append(failed, err)
			}
		case len(card.Drift) > 0:
			drifted++
			fmt.Fprintf(d.out, "%s: drift: %d changed outside Terraform\n", plain(e.Suffix), len(card.Drift))
			if err := d.write(e.Suffix+".md", card.DriftMarkdown(e.Suffix)); err != nil {
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
		return plan.Card{}, errors.New("its state does not record its region: deploy it again")
	}
	p, err := d.terraform.drift(ctx, e)
	if err != nil || p == nil {
		return plan.Card{}, err
	}
	return plan.New(p), nil
}

// failedReport ends the name of the file for an environment that was not compared.
const failedReport = ".failed"

// write writes a file of the reports. A suffix that cannot name a file belongs to an
// environment that cannot be planned, so nothing is lost.
func (d drifts) write(name, text string) error {
	if d.folder == "" || !filepath.IsLocal(name) || filepath.Base(name) != name {
		return nil
	}
	if err := os.WriteFile(filepath.Join(d.folder, name), []byte(text), 0o644); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}
