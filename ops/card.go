package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"portfolio/config"
	"portfolio/ops/plan"
)

const cardUsage = `ops card [--accept-dangerous] [--base FILE] [--out FILE]

Plans the environment of the settings, everything where it has no state, and writes
a Markdown card of what a deploy would do. It changes nothing and takes no lock.

  --accept-dangerous  stateful resources may be replaced or deleted: exit with 0
  --base FILE         cdk.tf.json of another version: compares what this checkout
                      synthesizes with it, which needs no credentials, knows less
  --out FILE          writes the card there, not to standard output

Exit status:
  0  the card is written, whether or not there are changes
  1  the environment could not be planned
  2  called wrongly, or bad settings
  4  the card is written and dangerous: a stateful resource would be replaced or
     deleted
go run makes 1 of all but 0: where the status counts, go build the program first.`

// environmentCard is the command: it writes the card of what a deploy would do.
func environmentCard(ctx context.Context, s session, args []string) error {
	flags := flag.NewFlagSet("card", flag.ContinueOnError)
	r := cardRequest{}
	flags.BoolVar(&r.accepted, "accept-dangerous", false, "")
	flags.StringVar(&r.base, "base", "", "")
	flags.StringVar(&r.out, "out", "", "")
	if help, err := s.parse(flags, args, cardUsage); help || err != nil {
		return err
	}
	if flags.NArg() != 0 {
		return fmt.Errorf("%w: card: got %q, want flags only", errUsage, flags.Arg(0))
	}
	c, err := s.load()
	if err != nil {
		return err
	}
	return s.writeCard(ctx, cli{s.environ, s.root, os.Stderr}, c, r)
}

// cardRequest is what card is asked for.
type cardRequest struct {
	accepted  bool
	base, out string // files; empty: plan, standard output
}

// writeCard has Terraform plan, or the app synthesize where there is a base.
func (s session) writeCard(ctx context.Context, tf terraform, c config.Config, r cardRequest) error {
	card, err := s.cardOf(ctx, tf, environment{Suffix: c.Tags["Environment"], Region: c.Region}, r.base)
	if err != nil {
		return err
	}
	if err := s.write(r.out, card.Markdown()); err != nil {
		return fmt.Errorf("card: %w", err)
	}
	if card.Status == plan.Dangerous && !r.accepted {
		return statusError{exitDangerous, "card: stateful resources would be replaced or deleted: got no --accept-dangerous"}
	}
	return nil
}

func (s session) cardOf(ctx context.Context, tf terraform, e environment, base string) (plan.Card, error) {
	if base == "" {
		p, err := tf.plan(ctx, e)
		if err != nil {
			return plan.Card{}, err
		}
		return plan.New(p), nil
	}
	before, err := s.read(base)
	if err != nil {
		return plan.Card{}, err
	}
	after, err := tf.synth(ctx, e)
	if err != nil {
		return plan.Card{}, err
	}
	return plan.Compare(before, after)
}

// write puts a text into a file, to standard output where there is no name.
func (s session) write(name, text string) error {
	if name == "" {
		_, err := fmt.Fprint(s.out, text)
		return err
	}
	return os.WriteFile(name, []byte(text), 0o644)
}
