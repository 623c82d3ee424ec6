package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"portfolio/ops/plan"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/spf13/cobra"
)

// Exit statuses of plan in addition to 0, which means that there is nothing to do.
const (
	exitChanges   = 3
	exitDangerous = 4
)

// planRequest is what plan is asked for.
type planRequest struct {
	file     string // of a plan, "-" for standard input; empty: plan the environment
	base     string // a stack to compare with; empty: none
	out      string // where the card goes; empty: standard output
	accepted bool

	digest   string // file that the digest of the plan is appended to; empty: none
	approved string // digest that the plan must have; empty: any
}

func planCommand(s session) *cobra.Command {
	var r planRequest
	cmd := &cobra.Command{
		Use:   "plan [FILE|-]",
		Short: "Summarize on a card what a deploy would do",
		Long: `Writes a Markdown card of a Terraform plan: what is lost, what opens, what it
costs.

Without FILE it plans the environment that the settings name, or all of it if it
has no state yet. That changes nothing and takes no lock. With FILE, or - for
standard input, it reads a plan as terraform show -json writes it.

With --base it compares two versions of a synthesized stack, which needs no
credentials but shows less: FILE, or what this checkout synthesizes, with the
base.

Exit status:
  0  nothing to do
  1  the environment cannot be planned, or the plan cannot be read or ended in
     an error
  2  invalid command line or settings
  3  changes, or what --accept-dangerous accepted
  4  dangerous: a stateful resource would be replaced or deleted
The card is written with 0, 3 and 4. A plan that differs from the approved one
exits with 1.`,
		Example: `  ops plan --out card.md
  terraform show -json PLAN | ops plan -
  ops plan --base main/cdktf.out/stacks/portfolio-dev/cdk.tf.json`,
		SuggestFor: []string{"card", "diff"},
		Args:       arguments(0, 1, "one FILE or -"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				r.file = args[0]
			}
			if r.file == "-" && r.base == "-" {
				return misused(cmd, "got - for FILE and --base, want it for one of them")
			}
			return s.plan(cmd.Context(), cli{s.environ, s.root, cmd.ErrOrStderr()}, r)
		},
	}
	cmd.Flags().BoolVar(&r.accepted, "accept-dangerous", false,
		"accept that stateful resources are replaced or deleted: exit with 3 instead of 4")
	cmd.Flags().StringVar(&r.digest, "digest", "",
		"append digest=HEX, a digest of what the plan changes, to this `FILE`")
	cmd.Flags().StringVar(&r.approved, "approved", "",
		"fail unless the plan changes what the one with this digest did: `HEX`")
	cmd.Flags().StringVar(&r.base, "base", "", "compare with this `FILE`, a cdk.tf.json of another version")
	cmd.Flags().StringVar(&r.out, "out", "", "write the card to this `FILE`, not to standard output")
	return cmd
}

// plan writes the card that r asks for; the error carries the exit status.
func (s session) plan(ctx context.Context, tf terraform, r planRequest) error {
	card, err := s.card(ctx, tf, r)
	if err != nil {
		return err
	}
	if err := s.write(r.out, card.Markdown()); err != nil {
		return fmt.Errorf("card: %w", err)
	}
	switch {
	case card.Status == plan.Nothing:
		return nil
	case card.Status == plan.Dangerous && !r.accepted:
		return statusError{exitDangerous, "plan: stateful resources would be replaced or deleted: " +
			"want --accept-dangerous if that is intended"}
	}
	return statusError{exitChanges, ""}
}

func (s session) card(ctx context.Context, tf terraform, r planRequest) (plan.Card, error) {
	if r.base != "" {
		return s.compared(ctx, tf, r)
	}
	p, err := s.planned(ctx, tf, r.file)
	if err != nil {
		return plan.Card{}, err
	}
	digest, err := plan.Digest(p)
	if err != nil {
		return plan.Card{}, err
	}
	if r.approved != "" && r.approved != digest {
		return plan.Card{}, fmt.Errorf("plan: got changes other than those of the approved plan %.12s, "+
			"want the same: approve them again", r.approved)
	}
	return plan.New(p), appendTo(r.digest, "digest="+digest+"\n")
}

// planned reads a plan, or plans the environment of the settings if there is no file.
func (s session) planned(ctx context.Context, tf terraform, file string) (*tfjson.Plan, error) {
	if file != "" {
		text, err := s.read(file)
		if err != nil {
			return nil, err
		}
		return plan.Parse(text)
	}
	e, err := s.environment()
	if err != nil {
		return nil, err
	}
	return tf.plan(ctx, e)
}

// appendTo appends a text to a file; without a name, it does nothing.
func appendTo(name, text string) error {
	if name == "" {
		return nil
	}
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}

// compared compares two synthesized stacks: a file, or else that of the settings,
// with the base.
func (s session) compared(ctx context.Context, tf terraform, r planRequest) (plan.Card, error) {
	before, err := s.read(r.base)
	if err != nil {
		return plan.Card{}, err
	}
	var after []byte
	if r.file != "" {
		after, err = s.read(r.file)
	} else if e, bad := s.environment(); bad != nil {
		err = bad
	} else {
		after, err = tf.synth(ctx, e)
	}
	if err != nil {
		return plan.Card{}, err
	}
	return plan.Compare(before, after)
}

// environment returns the environment of the settings.
func (s session) environment() (environment, error) {
	c, err := s.load()
	return environment{Suffix: c.Tags["Environment"], Region: c.Region}, err
}

// read returns a file's text, standard input's for "-".
func (s session) read(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(s.in)
	}
	return os.ReadFile(name)
}

// write writes a text to a file, or to standard output without a name.
func (s session) write(name, text string) error {
	if name == "" {
		_, err := fmt.Fprint(s.out, text)
		return err
	}
	return os.WriteFile(name, []byte(text), 0o644)
}
