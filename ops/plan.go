package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"

	"portfolio/ops/plan"
)

// Exit statuses of plan beside 0, which says that there is nothing to do.
const (
	exitChanges   = 3
	exitDangerous = 4
)

const planUsage = `ops plan [--accept-dangerous] [--base FILE] FILE|-

Reads a plan as terraform show -json writes it, from FILE or standard input, and
writes a Markdown card of it: what is lost, what opens, what it costs.

  --accept-dangerous  stateful resources may be replaced or deleted: exit with 3
  --base FILE         both are cdk.tf.json of a synthesized stack: compare them,
                      which needs no credentials and knows less

Exit status:
  0  nothing to do
  1  the plan cannot be read, or ended in an error
  2  called wrongly
  3  changes
  4  dangerous: a stateful resource would be replaced or deleted
go run makes 1 of all but 0: where the status counts, go build the program first.`

// planCard is the command: it writes the card of a plan.
func planCard(_ context.Context, s session, args []string) error {
	flags := flag.NewFlagSet("plan", flag.ContinueOnError)
	accepted := flags.Bool("accept-dangerous", false, "")
	base := flags.String("base", "", "")
	if help, err := s.parse(flags, args, planUsage); help || err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return fmt.Errorf("%w: %s", errUsage, planUsage)
	}
	card, err := s.card(*base, flags.Arg(0))
	if err != nil {
		return err
	}
	if _, err := io.WriteString(s.out, card.Markdown()); err != nil {
		return fmt.Errorf("card: %w", err)
	}
	switch {
	case card.Status == plan.Nothing:
		return nil
	case card.Status == plan.Dangerous && !*accepted:
		return statusError{exitDangerous, "plan: stateful resources would be replaced or deleted: got no --accept-dangerous"}
	}
	return statusError{exitChanges, ""}
}

// card reads a plan, or compares two synthesized stacks where there is a base.
func (s session) card(base, name string) (plan.Card, error) {
	text, err := s.read(name)
	if err != nil {
		return plan.Card{}, err
	}
	if base != "" {
		before, err := s.read(base)
		if err != nil {
			return plan.Card{}, err
		}
		return plan.Compare(before, text)
	}
	p, err := plan.Parse(text)
	if err != nil {
		return plan.Card{}, err
	}
	return plan.New(p), nil
}

// read returns a file's text, standard input's for "-".
func (s session) read(name string) ([]byte, error) {
	if name == "-" {
		var b bytes.Buffer
		_, err := b.ReadFrom(s.in)
		return b.Bytes(), err
	}
	return os.ReadFile(name)
}
