package platform

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"strconv"
	"time"

	"portfolio/local/servers"

	"github.com/gofrs/flock"
)

// restoreTimeout is how long restoring the instances may take after an interruption.
const restoreTimeout = 2 * time.Minute

// Replay has the instances ask the source replay for prices, until End. One program at a
// time may have one.
type Replay struct {
	at   Place
	lock *flock.Flock
	file string // of the prices
}

// NewReplay returns a Replay of a running platform, which has not changed anything yet.
func (at Place) NewReplay() (*Replay, error) {
	p, err := at.Open()
	if err != nil {
		return nil, err
	}
	if p.record.SourceKeys {
		return nil, BadInput{errors.New("QUOTE_SOURCE_KEYS: got a platform with keys of sources, " +
			"which could not be restored; want make local without them")}
	}
	r := &Replay{at: at, lock: flock.New(p.local("replay.lock"), flock.SetPermissions(0o600)), file: p.local("market.csv")}
	if free, err := r.lock.TryLock(); err != nil {
		return nil, err
	} else if !free {
		return nil, BadInput{errors.New("got a second make demo, want one at a time")}
	}
	return r, nil
}

// Start restarts the instances with a recording of prices.
func (r *Replay) Start(ctx context.Context, recording []byte) error {
	if err := os.WriteFile(r.file, recording, 0o600); err != nil {
		return err
	}
	return r.at.restart(ctx, map[string]string{"QUOTE_SOURCES": "replay", "QUOTE_REPLAY_FILE": r.file})
}

// End restarts the instances as they were before Start, if there was one and the platform
// still runs.
func (r *Replay) End() error {
	ctx, cancel := context.WithTimeout(context.Background(), restoreTimeout)
	defer cancel()
	err := os.Remove(r.file)
	if errors.Is(err, os.ErrNotExist) { // not started
		return r.lock.Close()
	}
	return errors.Join(err, r.at.restart(ctx, nil), r.lock.Close())
}

// restart restarts the instances one after the other, each without calls from the load
// balancer meanwhile, with their recorded environment and settings in addition to it. It does
// nothing if the platform does not run.
func (at Place) restart(ctx context.Context, settings map[string]string) error {
	p, err := at.load()
	if err != nil {
		return err
	}
	unlock, err := servers.Lock(ctx, p.local("lock"))
	if err != nil {
		return err
	}
	defer unlock()
	if p, err = at.Open(); errors.Is(err, ErrDown) {
		return nil
	} else if err != nil {
		return err
	}
	p.record.keepLogs = true
	balancer, err := p.balancer(ctx)
	if err != nil {
		return err
	}
	for i := range p.record.Ports.Services {
		if err := p.restartInstance(ctx, balancer, i, settings); err != nil {
			return fmt.Errorf("service instance %d: %w", i+1, err)
		}
	}
	return nil
}

func (p *Platform) restartInstance(ctx context.Context, b *balancer, i int, settings map[string]string) error {
	if err := b.deregister(ctx, i); err != nil {
		return err
	}
	if err := p.record.end(instanceName(i)); err != nil {
		return err
	}
	unlock, err := lockPorts(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	environ := maps.Clone(p.record.Service)
	maps.Copy(environ, settings)
	if err := p.startInstance(ctx, i, environ); err != nil {
		return err
	}
	return b.register(ctx, i)
}

func instanceName(i int) string { return "service-" + strconv.Itoa(i+1) }
