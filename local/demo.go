package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"portfolio/contract/commandline"
	"portfolio/local/demo"
	"portfolio/local/platform"

	"github.com/spf13/cobra"
)

// keyVariable holds the key that watch uses. An argument could be read by everyone who
// can list processes.
const keyVariable = "PORTFOLIO_KEY"

// printInterval is the time between two lines of prices.
const printInterval = time.Second

func demoCommand(at *platform.Place) *cobra.Command {
	var limit time.Duration
	c := &cobra.Command{
		Use:   "demo",
		Short: "Create a key and a portfolio, and move the market until Ctrl-C",
		Args:  commandline.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("for") && limit <= 0 {
				return badInput(c, fmt.Errorf("--for: got %s, want a time above zero such as 30s", limit))
			}
			return runDemo(c.Context(), *at, limit, c.OutOrStdout())
		},
	}
	c.Flags().DurationVar(&limit, "for", 0, "end after this time, such as 30s")
	return c
}

// runDemo creates a key and a portfolio, prints how to use them, and moves the market
// until ctx is done or the limit, unless it is 0, is over. Neither is an error.
func runDemo(ctx context.Context, at platform.Place, limit time.Duration, out io.Writer) (err error) {
	p, err := running(at)
	if err != nil {
		return err
	}
	replay, err := at.NewReplay()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, replay.End()) }() //nolint:contextcheck // after ctx is done, too
	fmt.Fprintln(out, "creating a key, a portfolio and its transactions …")
	key, err := p.CreateKey(ctx, "demo", "make demo", "read,trade,feed,admin")
	if err != nil {
		return unlessDone(ctx, err)
	}
	now, client := time.Now(), demo.Client{API: p.Endpoints.API, Key: key}
	portfolio, err := demo.Seed(ctx, client, now, out)
	if err != nil {
		return unlessDone(ctx, err)
	}
	if err := demo.FeedToday(ctx, client, now); err != nil {
		return unlessDone(ctx, err)
	}
	fmt.Fprintln(out, "restarting the two instances with QUOTE_SOURCES=replay …")
	if err := replay.Start(ctx, demo.Recording(now)); err != nil {
		return unlessDone(ctx, err)
	}
	if err := follow(ctx, p, client, portfolio, limit, out); err != nil {
		return unlessDone(ctx, err)
	}
	fmt.Fprintln(out, "\nThe market has closed. The portfolio stays until make local-down.")
	return nil
}

// follow waits for the market, prints how to use the portfolio, and then its prices until
// ctx is done or the limit, unless it is 0, is over.
func follow(ctx context.Context, p *platform.Platform, c demo.Client, portfolio string, limit time.Duration,
	out io.Writer) error {
	if err := demo.AwaitPrices(ctx, c, portfolio); err != nil {
		return err
	}
	link, err := c.SignInLink(ctx)
	if err != nil {
		return err
	}
	explain(out, p.Endpoints, link, c.Key, portfolio)
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	ticker := time.NewTicker(printInterval)
	defer ticker.Stop()
	return demo.Follow(ctx, c, portfolio, ticker.C, out)
}

// unlessDone returns err, or nil if ctx is done and so is the reason for it.
func unlessDone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func explain(out io.Writer, at platform.Endpoints, link, key, portfolio string) {
	fmt.Fprintf(out, `
In a browser on this machine, within a minute; the link signs in once:

  %s

Later sign in at %s with the key. In another terminal, from this folder:

  export %s=%s API=%s PORTFOLIO=%s
  curl -s -H "Authorization: Bearer $%[3]s" $API/v1/portfolios/$PORTFOLIO/valuation
  build/local watch $PORTFOLIO

The market moves every second until Ctrl-C:

`, at.Page+link, at.Page, keyVariable, key, at.API, portfolio)
}

func watchCommand(at *platform.Place) *cobra.Command {
	return &cobra.Command{
		Use:   "watch PORTFOLIO",
		Short: "Print what the WebSocket sends about a portfolio, until Ctrl-C",
		Long: `Prints what the WebSocket sends about a portfolio, until Ctrl-C. ` + keyVariable + ` is the key
that demo printed.`,
		Args: func(c *cobra.Command, args []string) error {
			switch len(args) {
			case 0:
				return badInput(c, errors.New("got no argument, want the ID of a portfolio"))
			case 1:
				return nil
			}
			return badInput(c, fmt.Errorf("got %q, want the ID of one portfolio", strings.Join(args, " ")))
		},
		RunE: func(c *cobra.Command, args []string) error {
			key := os.Getenv(keyVariable)
			if key == "" {
				return platform.BadInput{Err: fmt.Errorf("%s: got nothing, want the key that make demo printed",
					keyVariable)}
			}
			p, err := running(*at)
			if err != nil {
				return err
			}
			err = watch(c.Context(), p, key, args[0], c.OutOrStdout())
			if c.Context().Err() != nil {
				return nil
			}
			return err
		},
	}
}

func watch(ctx context.Context, p *platform.Platform, key, portfolio string, out io.Writer) error {
	socket, err := p.Connect(ctx, key)
	if err != nil {
		return err
	}
	return demo.Watch(ctx, socket, portfolio, out)
}

// running opens the platform, which has to be running.
func running(at platform.Place) (*platform.Platform, error) {
	p, err := at.Open()
	if errors.Is(err, platform.ErrDown) {
		return nil, platform.BadInput{Err: fmt.Errorf("run make local first: %w", err)}
	}
	return p, err
}
