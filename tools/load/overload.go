package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"portfolio/backend"
	"portfolio/backend/postgres"
)

const targetHealth = 50 * time.Millisecond

// overloads measures the service while many more clients than it can serve ask for
// histories.
func overloads(ctx context.Context, w *world, r *report) (err error) {
	days, to := 3_650/w.shorter, today()
	var id string
	s, err := w.startWith(ctx, func(store *postgres.DB) error {
		id, err = w.fillPast(ctx, store, "O", 100, days, to)
		return err
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	path := fmt.Sprintf("/v1/portfolios/%s/history?from=%s&to=%s", id, to-backend.Date(days)+1, to)
	if _, err := s.call(ctx, http.MethodGet, path, ""); err != nil {
		return err
	}
	crowd := &crowd{service: s, path: path}
	healthy, err := crowd.press(ctx)
	if err != nil {
		return err
	}
	r.atMost("/health under overload, p99", targetHealth, healthy.at(0.99))
	shed, pauses := crowd.shed.Load(), crowd.pauses.Load()
	r.add("refused with 503 and Retry-After under overload", "all that are refused",
		fmt.Sprintf("%d of %d", pauses, shed), pauses == shed && shed > 0)
	r.note(`**Overload.** %d clients ask for a history of %d days of 100 symbols at once, for %s; each asks again
when it is answered, or %s after it was refused. %d calls were answered, %d were refused, and %d failed in other
ways. Meanwhile, /health was asked %d times: p50 %s, p99 %s, maximum %s.`,
		w.crowd, days, w.pressing, refusedPause, crowd.served.Load(), shed, crowd.failed.Load(),
		len(healthy), ms(healthy.at(0.5)), ms(healthy.at(0.99)), ms(healthy.at(1)))
	return nil
}

// refusedPause is how long a client waits that was refused. It is less than the service
// asks for.
const refusedPause = 200 * time.Millisecond

// crowd is more clients than can be served.
type crowd struct {
	*service
	path                         string
	served, shed, pauses, failed atomic.Int64
}

// press lets all clients ask for some time. It returns how long /health took meanwhile.
func (c *crowd) press(ctx context.Context) (healthy times, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.w.pressing)
	defer cancel()
	var clients sync.WaitGroup
	for range c.w.crowd {
		clients.Go(func() {
			for ctx.Err() == nil {
				c.ask(ctx)
			}
		})
	}
	for ctx.Err() == nil {
		began := time.Now()
		if _, failure := c.call(context.WithoutCancel(ctx), http.MethodGet, "/health", ""); failure != nil {
			err = failure
			break
		}
		healthy = append(healthy, time.Since(began))
		time.Sleep(20 * time.Millisecond)
	}
	cancel()
	clients.Wait()
	return healthy, err
}

// ask makes one call.
func (c *crowd) ask(ctx context.Context) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+c.path, nil)
	if err != nil {
		panic(err) // impossible with this path
	}
	r.Header.Set("Authorization", "Bearer "+c.w.key)
	response, err := c.client.Do(r)
	if err == nil {
		_, err = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
	switch {
	case ctx.Err() != nil: // the end
	case err != nil:
		c.failed.Add(1)
	case response.StatusCode == http.StatusOK:
		c.served.Add(1)
	case response.StatusCode == http.StatusServiceUnavailable:
		c.shed.Add(1)
		if response.Header.Get("Retry-After") != "" {
			c.pauses.Add(1)
		}
		time.Sleep(refusedPause)
	default:
		c.failed.Add(1)
	}
}
