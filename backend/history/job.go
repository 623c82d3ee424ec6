package history

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"portfolio/backend"
)

const (
	// settle is how long after its close a day may still get quotes.
	settle = time.Hour
	// maxDays bounds the days of one run: the next goes on from there.
	maxDays = 31
	// tries of one portfolio's day, with pauses that double, before a run ends.
	tries      = 5
	firstPause = time.Second
)

// Leader has one of all instances do something.
type Leader interface {
	// Lead calls do unless another instance is at it, and reports whether it did.
	Lead(ctx context.Context, do func(context.Context) error) (led bool, err error)
}

// Portfolios gives every owner's portfolios.
type Portfolios interface {
	// PortfoliosAt gives up to limit portfolios that were made no later than a
	// time, in the order of their IDs, after that one ("" for the first).
	PortfoliosAt(ctx context.Context, at time.Time, after string, limit int) ([]backend.Portfolio, error)
}

// Valuer values portfolios as of a time.
type Valuer interface {
	Valuation(ctx context.Context, owner, id string, asOf time.Time) (backend.Valuation, error)
}

// Job keeps the days that are over.
type Job struct {
	Log        *slog.Logger
	Bucket     *Bucket
	Leader     Leader
	Portfolios Portfolios
	Valuer     Valuer
	Now        func() time.Time
	Sleep      func(ctx context.Context, d time.Duration) bool // reports whether d passed before ctx ended
	Differs    func()                                          // is told of each day that would be another one now
}

// manifest says that a day is complete, and the hash of each object in it.
type manifest struct {
	Day        backend.Date      `json:"day"`
	Portfolios map[string]string `json:"portfolios"` // SHA-256 in hex, by ID
}

// Run keeps all days since the last complete one, at most a month of them, unless
// another instance is at it. The first run ever keeps one day. A day that was kept
// in part before is completed; what is there is never written again, and where it
// would be different now that is said.
func (j *Job) Run(ctx context.Context) error {
	_, err := j.Leader.Lead(ctx, j.catchUp)
	return err
}

func (j *Job) catchUp(ctx context.Context) error {
	last, found, err := j.Bucket.lastManifest(ctx)
	if err != nil {
		return err
	}
	over := backend.DateOf(j.Now().Add(-settle)) - 1
	from := over
	if found {
		from = last + 1
	}
	for day := from; day <= min(over, from+maxDays-1); day++ {
		if err := j.keepDay(ctx, day); err != nil {
			return fmt.Errorf("history of %s: %w", day, err)
		}
	}
	return nil
}

// keepDay keeps one day of all portfolios, then its manifest.
func (j *Job) keepDay(ctx context.Context, day backend.Date) error {
	m := manifest{Day: day, Portfolios: map[string]string{}}
	for after := ""; ; {
		page, err := j.Portfolios.PortfoliosAt(ctx, backend.Close(day), after, backend.MaxPage)
		if err != nil {
			return err
		}
		for _, p := range page {
			kept, err := j.persist(ctx, day, p)
			if known := (*backend.Error)(nil); errors.As(err, &known) && known.Code == backend.CodeNotFound {
				continue // deleted meanwhile
			}
			if err != nil {
				return err
			}
			hash := sha256.Sum256(kept)
			m.Portfolios[p.ID] = hex.EncodeToString(hash[:])
		}
		if len(page) < backend.MaxPage {
			break
		}
		after = page[len(page)-1].ID
	}
	text, err := json.Marshal(m) // members of a map are in the order of their names
	if err != nil {
		return err
	}
	kept, err := j.Bucket.keep(ctx, manifestKey(day), text)
	if err != nil {
		return err
	}
	if !bytes.Equal(kept, text) {
		j.differs("manifest", day, "")
	}
	j.Log.Info("history: day complete", "day", day.String(), "portfolios", len(m.Portfolios))
	return nil
}

// persist keeps one portfolio's day, trying again with pauses.
func (j *Job) persist(ctx context.Context, day backend.Date, p backend.Portfolio) (kept []byte, err error) {
	pause := firstPause
	for try := 1; ; try++ {
		kept, err = j.keepOne(ctx, day, p)
		if known := (*backend.Error)(nil); err == nil || try == tries || errors.As(err, &known) && known.Code == backend.CodeNotFound {
			return kept, err
		}
		j.Log.Warn("history", "portfolio", p.ID, "day", day.String(), "error", err.Error(), "again", pause.String())
		if !j.Sleep(ctx, pause) {
			return nil, ctx.Err()
		}
		pause *= 2
	}
}

func (j *Job) keepOne(ctx context.Context, day backend.Date, p backend.Portfolio) ([]byte, error) {
	v, err := j.Valuer.Valuation(ctx, p.Owner, p.ID, backend.Close(day))
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	kept, err := j.Bucket.keep(ctx, dayKey(p.ID, day), text)
	if err == nil && !bytes.Equal(kept, text) {
		j.differs("valuation", day, p.ID)
	}
	return kept, err
}

func (j *Job) differs(what string, day backend.Date, portfolio string) {
	j.Log.Error("history: what is kept would be different now", "what", what, "day", day.String(), "portfolio", portfolio)
	j.Differs()
}
