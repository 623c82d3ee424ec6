package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"portfolio/local/demo"
	"portfolio/local/platform"

	"github.com/spf13/cobra"
)

// keyVariable holds the key that watch uses. An argument could be read by everyone who
// can list processes.
const keyVariable = "PORTFOLIO_KEY"

// feedInterval is the time between two prices of a symbol.
const feedInterval = time.Second

func demoCommand(at *platform.Place) *cobra.Command {
	var limit time.Duration
	c := &cobra.Command{
		Use:   "demo",
		Short: "Create a key and a portfolio, and move the market until Ctrl-C",
		Args:  noArguments,
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
func runDemo(ctx context.Context, at platform.Place, limit time.Duration, out io.Writer) error {
	p, err := running(at)
	if err != nil {
		return err
	}
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	err = seedAndFeed(ctx, p, out)
	if ctx.Err() != nil {
		fmt.Fprintln(out, "\nThe market has closed. The portfolio stays until make local-down.")
		return nil
	}
	return err
}

func seedAndFeed(ctx context.Context, p *platform.Platform, out io.Writer) error {
	fmt.Fprintln(out, "creating a key, a portfolio and its transactions …")
	key, err := p.CreateKey(ctx, "demo", "make demo", "read,trade,feed,admin")
	if err != nil {
		return err
	}
	client := demo.Client{API: p.Endpoints.API, Key: key}
	market := demo.NewMarket(rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())))
	if err := demo.Past(ctx, client, market, time.Now()); err != nil {
		return err
	}
	portfolio, err := demo.Seed(ctx, client, time.Now(), out)
	if err != nil {
		return err
	}
	link, err := client.SignInLink(ctx)
	if err != nil {
		return err
	}
	explain(out, p.Endpoints, link, key, portfolio)
	ticker := time.NewTicker(feedInterval)
	defer ticker.Stop()
	return demo.Feed(ctx, client, market, ticker.C, out)
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
			if len(args) != 1 {
				return badInput(c, fmt.Errorf("got %q, want the ID of one portfolio", args))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			key := os.Getenv(keyVariable)
			if key == "" {
				return platform.BadInput{Err: fmt.Errorf("%s: got nothing, want the key that make demo printed", keyVariable)}
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
