package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"portfolio/local/demo"
	"portfolio/local/platform"
)

// keyVariable holds the key that watch uses: an argument would be seen by whoever
// lists processes.
const keyVariable = "PORTFOLIO_KEY"

// feedInterval is between two prices of a symbol.
const feedInterval = time.Second

// runDemo makes a key and a portfolio, says how to look at it, and moves the market
// until ctx ends or the time that --for gives is over; neither is an error.
func runDemo(ctx context.Context, args []string, out io.Writer) error {
	limit, err := demoLimit(args)
	if err != nil {
		return err
	}
	p, err := running()
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
		fmt.Fprintln(out, "\nThe market has closed; the portfolio stays until make local-down.")
		return nil
	}
	return err
}

func seedAndFeed(ctx context.Context, p *platform.Platform, out io.Writer) error {
	fmt.Fprintln(out, "making a key, a portfolio and its transactions …")
	key, err := p.CreateKey(ctx, "demo", "make demo", "read,trade,feed")
	if err != nil {
		return err
	}
	client := demo.Client{API: p.Endpoints.API, Key: key}
	portfolio, err := demo.Seed(ctx, client, time.Now(), out)
	if err != nil {
		return err
	}
	explain(out, p.Endpoints.API, key, portfolio)
	ticker := time.NewTicker(feedInterval)
	defer ticker.Stop()
	market := demo.NewMarket(rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())))
	return demo.Feed(ctx, client, market, ticker.C, out)
}

func explain(out io.Writer, api, key, portfolio string) {
	fmt.Fprintf(out, `
In another terminal, from this folder:

  export %s=%s API=%s PORTFOLIO=%s
  curl -s -H "Authorization: Bearer $%[1]s" $API/v1/portfolios/$PORTFOLIO/valuation
  go run ./local watch $PORTFOLIO

The market moves every second until Ctrl-C:

`, keyVariable, key, api, portfolio)
}

// demoLimit reads --for; 0 says until Ctrl-C.
func demoLimit(args []string) (time.Duration, error) {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the error says it
	limit := flags.Duration("for", 0, "")
	err := flags.Parse(args)
	if given := flags.NFlag() > 0; err != nil || flags.NArg() > 0 || given && *limit <= 0 {
		return 0, platform.BadInput{Err: fmt.Errorf("local demo: got %q, want nothing or a time such as --for 30s", args)}
	}
	return *limit, nil
}

// runWatch prints what the WebSocket says of a portfolio until ctx ends.
func runWatch(ctx context.Context, args []string, out io.Writer) error {
	if len(args) != 1 {
		return platform.BadInput{Err: fmt.Errorf("local watch: got %q, want the id of one portfolio", args)}
	}
	key := os.Getenv(keyVariable)
	if key == "" {
		return platform.BadInput{Err: fmt.Errorf("%s: got nothing, want the key that make demo printed", keyVariable)}
	}
	p, err := running()
	if err != nil {
		return err
	}
	err = watch(ctx, p, key, args[0], out)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func watch(ctx context.Context, p *platform.Platform, key, portfolio string, out io.Writer) error {
	socket, err := p.Connect(ctx, key)
	if err != nil {
		return err
	}
	return demo.Watch(ctx, socket, portfolio, out)
}

// running is the platform of this checkout.
func running() (*platform.Platform, error) {
	p, err := platform.Open(".")
	if errors.Is(err, platform.ErrDown) {
		return nil, platform.BadInput{Err: fmt.Errorf("run make local first: %w", err)}
	}
	return p, err
}
