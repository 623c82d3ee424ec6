package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"sync"
	"time"
)

// What the service should sustain on two cores that it shares with the load.
const (
	targetRequests   = 2000 // a second
	targetRequestP99 = 20 * time.Millisecond
)

// valuations measures clients that request the valuation of one portfolio as fast as they
// are answered.
func valuations(ctx context.Context, w *world, r *report) (err error) {
	if err := w.fill(ctx, w.few); err != nil { // the part growth has stored many more
		return err
	}
	s, err := w.start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	id, err := w.portfolio(ctx)
	if err != nil {
		return err
	}
	if err := s.feed(ctx, "V", 0, w.holdings, 1); err != nil {
		return err
	}
	path := "/v1/portfolios/" + id + "/valuation"
	body, err := s.call(ctx, http.MethodGet, path, "")
	if err != nil {
		return err
	}
	var v struct {
		State     string
		Positions []json.RawMessage
	}
	if err := json.Unmarshal(body, &v); err != nil || len(v.Positions) != w.holdings {
		return fmt.Errorf("valuation: got %d positions, want %d (%w)", len(v.Positions), w.holdings, err)
	}
	return w.compareValuations(ctx, r, s, path, body, v.State)
}

// compareValuations measures the service, and the yardstick with the same answer.
func (w *world) compareValuations(
	ctx context.Context, r *report, s *service, path string, body []byte, state string,
) (err error) {
	get := func(s service) func() error {
		return func() error {
			_, err := s.call(ctx, http.MethodGet, path, "")
			return err
		}
	}
	bare, err := startBare(ctx, body)
	if err != nil {
		return fmt.Errorf("bare server: %w", err)
	}
	defer func() { err = errors.Join(err, bare.stop()) }()
	same := *s
	same.base = bare.base
	// In turn, since PostgreSQL is still busy with what was stored before.
	var valued, yardstick pressed
	for range turns {
		if err := w.pressure(s.cmd, get(*s), &valued); err != nil {
			return err
		}
		if err := w.pressure(bare.cmd, get(same), &yardstick); err != nil {
			return err
		}
	}
	memory, err := peak(s.cmd)
	if err != nil {
		return err
	}
	stored, err := w.stored(ctx)
	if err != nil {
		return err
	}
	rate := perSecond(len(valued.times), valued.took)
	r.add("valuations per second", fmt.Sprintf("≥ %d", targetRequests), fmt.Sprintf("%.0f", rate),
		rate >= targetRequests)
	r.atMost("valuation, p99", targetRequestP99, valued.at(0.99))
	r.compare("valuation", comparison{valued.cost(), yardstick.cost(), 2.5, 24.7, 0.6})
	r.note(`**Valuation.** %d clients request a valuation over HTTP for %s, each again as soon as it is
answered: %d holdings in two currencies, answers of %d KB, all of them %s, %d transactions
stored. p50 %s, p99 %s, maximum %s. A request costs the service %s of processor time, and a
bare net/http handler that writes the same bytes %s. The process used at most %d MB.`,
		w.clients, valued.took.Round(time.Second), w.holdings, len(body)>>10, state, stored,
		ms(valued.at(0.5)), ms(valued.at(0.99)), ms(valued.at(1)), ms(valued.cost()), ms(yardstick.cost()), memory>>20)
	return nil
}

// turns are those of the service and of the yardstick.
const turns = 4

// pressed is the outcome of pressure.
type pressed struct {
	times
	took time.Duration // all of it
	used time.Duration // processor time of the server
}

// cost returns the server's processor time for one call.
func (p pressed) cost() time.Duration { return p.used / time.Duration(max(len(p.times), 1)) }

// pressure runs clients that call a server, each again as soon as it is answered, for one
// turn, and adds what it measures to p.
func (w *world) pressure(server *exec.Cmd, call func() error, p *pressed) error {
	before, err := used(server)
	if err != nil {
		return err
	}
	var clients sync.WaitGroup
	all, failures := make([]times, w.clients), make([]error, w.clients)
	began := time.Now()
	for c := range w.clients {
		clients.Go(func() {
			for failures[c] == nil && time.Since(began) < w.valuing/turns {
				start := time.Now()
				failures[c] = call()
				all[c] = append(all[c], time.Since(start))
			}
		})
	}
	clients.Wait()
	p.took += time.Since(began)
	p.times = append(p.times, slices.Concat(all...)...)
	after, err := used(server)
	p.used += after - before
	return errors.Join(append(failures, err)...)
}
