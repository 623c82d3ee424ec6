package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/errgroup"
)

// reaper destroys environments and verifies that nothing of them is left.
type reaper struct {
	states    states
	terraform terraform
	find      func(ctx context.Context, region, suffix string) ([]string, error) // what is left
	region    string                                                             // where a state names none
	out       io.Writer
	tries     uint // to verify: lists lag behind deletions
	every     time.Duration
}

// run carries out a request; one environment that fails does not stop the others.
func (r reaper) run(ctx context.Context, request reapRequest, all []environment, now time.Time) error {
	var chosen []environment
	there := false
	for _, e := range all {
		there = there || e.Suffix == request.only
		reap, reason := request.judge(e, now)
		verdict := "kept"
		if reap {
			chosen = append(chosen, e)
			verdict = "to be destroyed"
		}
		fmt.Fprintf(r.out, "%s: %s: %s\n", plain(e.Suffix), verdict, reason)
	}
	if request.only != "" && !there {
		fmt.Fprintf(r.out, "%s: has no state; looking for what is left in %s\n", request.only, r.region)
		if !request.open[request.only] { // a state lost too early hides what is left
			if err := r.verify(ctx, r.region, request.only); err != nil {
				return fmt.Errorf("%s: %w", request.only, err)
			}
		}
	}
	if !request.yes {
		fmt.Fprintf(r.out, "Dry run: --yes destroys %d of %d.\n", len(chosen), len(all))
		return nil
	}
	return r.reapAll(ctx, request, chosen, now)
}

// reapedAtOnce is how many environments are destroyed concurrently: each takes some 20
// minutes, most of them waiting.
const reapedAtOnce = 4

// reapAll destroys environments concurrently.
func (r reaper) reapAll(ctx context.Context, request reapRequest, chosen []environment, now time.Time) error {
	var all errgroup.Group
	all.SetLimit(reapedAtOnce)
	failed, destroyed := make([]error, len(chosen)), make([]bool, len(chosen))
	for i, e := range chosen {
		all.Go(func() error { // a failure does not stop the others
			var err error
			if destroyed[i], err = r.reap(ctx, request, e, now); err != nil {
				failed[i] = fmt.Errorf("%s: %w", e.Suffix, err)
			}
			return nil
		})
	}
	_ = all.Wait() // none of them returns an error
	count := 0
	for _, done := range destroyed {
		if done {
			count++
		}
	}
	fmt.Fprintf(r.out, "Destroyed %d of %d.\n", count, len(chosen))
	return errors.Join(failed...)
}

// reap destroys one environment, checks that nothing is left and removes its empty
// state last, so that the next run finds what may be left.
func (r reaper) reap(ctx context.Context, request reapRequest, e environment,
	now time.Time) (destroyed bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if e.Resources == nil {
		return false, errors.New(e.Problem)
	}
	if e.Region == "" {
		if !e.empty() {
			return false, errors.New("its state does not record its region: deploy it again, or destroy it by hand")
		}
		e.Region = r.region
	}
	if request.ask != nil { // it may have been opened since the run began
		if request.open, err = request.ask(ctx); err != nil {
			return false, err
		}
		if reap, reason := request.judge(e, now); !reap {
			fmt.Fprintf(r.out, "%s: kept: %s\n", e.Suffix, reason)
			return false, nil
		}
	}
	if request.over != nil {
		if err := r.states.unlock(ctx, e.key, request.over, r.out); err != nil {
			return false, err
		}
	}
	if err := r.terraform.destroy(ctx, e, request.lockTimeout); err != nil {
		return false, err
	}
	if err := r.verify(ctx, e.Region, e.Suffix); err != nil {
		return false, err
	}
	if err := r.states.remove(ctx, e); err != nil {
		return false, err
	}
	fmt.Fprintf(r.out, "%s: destroyed, nothing is left\n", e.Suffix)
	return true, nil
}

// lockedWriter serializes the lines of environments that are destroyed concurrently.
type lockedWriter struct {
	mutex sync.Mutex
	out   io.Writer
}

func (w *lockedWriter) Write(text []byte) (int, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.out.Write(text)
}

// verify fails with a list if something is left for longer than lists lag behind.
func (r reaper) verify(ctx context.Context, region, suffix string) error {
	try := 0
	var left []string
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		try++
		var err error
		if left, err = r.find(ctx, region, suffix); err != nil {
			return struct{}{}, backoff.Permanent(fmt.Errorf("whether anything is left is unknown: %w", err))
		}
		if len(left) > 0 {
			return struct{}{}, fmt.Errorf("left in %s: %d\n  %s", region, len(left), strings.Join(left, "\n  "))
		}
		return struct{}{}, nil
	}, backoff.WithBackOff(backoff.NewConstantBackOff(r.every)), backoff.WithMaxTries(r.tries),
		backoff.WithMaxElapsedTime(0),
		backoff.WithNotify(func(_ error, pause time.Duration) {
			fmt.Fprintf(r.out, "%s: still listed: %d, asking again in %s (%d of %d)\n", suffix,
				len(left), pause, try, r.tries)
		}))
	return err
}
