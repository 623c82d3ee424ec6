package main

import (
	"context"
	"time"

	"portfolio/backend"
	"portfolio/backend/postgres"
)

// keepNames keeps the tracker's names of instruments current until ctx ends.
func (s *service) keepNames(ctx context.Context) {
	select {
	case <-s.migrated:
	case <-ctx.Done():
		return
	}
	for {
		retry(ctx, s.log, "read names of instruments", s.loadNames)
		select {
		case <-ctx.Done():
			return
		case <-s.rename:
		}
	}
}

// renamed requests that the names be read again. It does not wait.
func (s *service) renamed() {
	select {
	case s.rename <- struct{}{}:
	default: // they are about to be read
	}
}

func (s *service) loadNames(ctx context.Context) error {
	s.naming.Lock() // an earlier read must not end after a later one
	defer s.naming.Unlock()
	names, err := s.db.InstrumentNames(ctx)
	if err == nil {
		s.tracker.SetNames(names)
	}
	return err
}

// namedInstruments reads the names again before a change is acknowledged, so that this
// instance shows the new one at once.
type namedInstruments struct {
	*postgres.DB
	load func(context.Context) error
}

// PutInstrument implements backend.Instruments.
func (n namedInstruments) PutInstrument(ctx context.Context, by backend.Principal, i backend.Instrument,
	now time.Time) (backend.Instrument, error) {
	i, err := n.DB.PutInstrument(ctx, by, i, now)
	if err != nil {
		return i, err
	}
	return i, n.load(context.WithoutCancel(ctx))
}
