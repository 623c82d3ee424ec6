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
	// quoteGrace is how long after the close of a day its quotes may still arrive.
	quoteGrace = time.Hour
	// maxDays limits the days that one run begins. The next run continues.
	maxDays = 31
)

// Leader runs a task on one instance at a time.
type Leader interface {
	// Lead calls do unless another instance is running it, and reports whether it did.
	Lead(ctx context.Context, do func(context.Context) error) (led bool, err error)
}

// Portfolios lists the portfolios of all owners.
type Portfolios interface {
	// PortfoliosAt returns up to limit portfolios that were created no later than
	// at, in the order of their IDs, starting after the ID after ("" for the first).
	PortfoliosAt(ctx context.Context, at time.Time, after string, limit int) ([]backend.Portfolio, error)
}

// Valuer values portfolios as of a time.
type Valuer interface {
	Valuation(ctx context.Context, owner, id string, asOf time.Time) (backend.Valuation, error)
}

// Metrics counts problems that an operator has to look into.
type Metrics interface {
	// HistoryDiffered is called for each stored day that a new valuation contradicts.
	HistoryDiffered()
	// HistoryFailed is called for each valuation or manifest that could not be
	// stored, and each list that could not be read.
	HistoryFailed()
}

// Config configures a Job. All fields are required.
type Config struct {
	Log        *slog.Logger
	Bucket     *Bucket
	Leader     Leader
	Portfolios Portfolios
	Valuer     Valuer
	Metrics    Metrics
	Now        func() time.Time
}

// Job stores each portfolio's valuation at the close of each day. It must not be
// used concurrently.
type Job struct {
	Config
	// begun holds the days that have no manifest yet, so that another run values
	// only the portfolios that are missing.
	begun map[backend.Date]hashes
}

// hashes holds the SHA-256, in hexadecimal, of each stored valuation by portfolio.
type hashes map[string]string

// NewJob returns a job that has stored nothing yet.
func NewJob(c Config) *Job { return &Job{Config: c, begun: map[backend.Date]hashes{}} }

// manifest marks a day as complete and holds the hashes of its objects.
type manifest struct {
	Day        backend.Date `json:"day"`
	Portfolios hashes       `json:"portfolios"`
}

// Run stores every day since the first complete one that is not complete, or only the
// last day if none is complete, unless another instance is doing so. It starts at most
// a month of days. A portfolio that fails delays neither the others nor later days, but
// its day gets no manifest and Run returns an error; the next run tries again what is
// missing. Objects in the bucket are never overwritten: a new valuation that differs
// from the stored one is logged and counted.
func (j *Job) Run(ctx context.Context) error {
	_, err := j.Leader.Lead(ctx, j.catchUp)
	return err
}

func (j *Job) catchUp(ctx context.Context) error {
	complete, err := j.Bucket.completeDays(ctx)
	if err != nil {
		return j.failed(err)
	}
	last := backend.DateOf(j.Now().Add(-quoteGrace)) - 1
	first := last
	for day := range complete {
		first = min(first, day)
		delete(j.begun, day) // another instance may have completed it
	}
	for day := range j.begun {
		first = min(first, day)
	}
	var failures []error
	for day, began := first, 0; day <= last && ctx.Err() == nil; day++ {
		if complete[day] {
			continue
		}
		if j.begun[day] == nil {
			if began == maxDays {
				break
			}
			began++
			j.begun[day] = hashes{}
		}
		if err := j.storeDay(ctx, day, j.begun[day]); err != nil {
			failures = append(failures, fmt.Errorf("history of %s: %w", day, err))
			continue
		}
		delete(j.begun, day)
	}
	return errors.Join(append(failures, ctx.Err())...)
}

// storeDay stores one day of all portfolios that are not stored yet, then the day's
// manifest. If any portfolio fails, it stores no manifest.
func (j *Job) storeDay(ctx context.Context, day backend.Date, stored hashes) error {
	var failures []error
	for after := ""; ; {
		page, err := j.Portfolios.PortfoliosAt(ctx, backend.Close(day), after, backend.MaxPage)
		if err != nil {
			return j.failed(err)
		}
		for _, p := range page {
			if stored[p.ID] != "" {
				continue
			}
			switch hash, err := j.storePortfolio(ctx, day, p); {
			case ctx.Err() != nil:
				return ctx.Err()
			case code(err) == backend.CodeNotFound: // deleted since it was listed
			case err != nil:
				j.Log.Error("storing a portfolio's day failed",
					"portfolio", p.ID, "day", day.String(), slog.Any("error", err))
				failures = append(failures, j.failed(err))
			default:
				stored[p.ID] = hash
			}
		}
		if len(page) < backend.MaxPage {
			break
		}
		after = page[len(page)-1].ID
	}
	if len(failures) > 0 {
		return fmt.Errorf("%d portfolios failed, the first with: %w", len(failures), failures[0])
	}
	return j.storeManifest(ctx, day, stored)
}

func (j *Job) storeManifest(ctx context.Context, day backend.Date, stored hashes) error {
	text, err := json.Marshal(manifest{Day: day, Portfolios: stored}) // sorted by ID
	if err != nil {
		return err
	}
	before, err := j.Bucket.create(ctx, manifestKey(day), text)
	if err != nil {
		return j.failed(err)
	}
	if !bytes.Equal(before, text) {
		j.differs("manifest", day, "")
	}
	j.Log.Info("history of a day is complete", "day", day.String(), "portfolios", len(stored))
	return nil
}

// storePortfolio stores a portfolio's day and returns the hash of the stored object.
func (j *Job) storePortfolio(ctx context.Context, day backend.Date, p backend.Portfolio) (hash string, err error) {
	v, err := j.Valuer.Valuation(ctx, p.Owner, p.ID, backend.Close(day))
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	stored, err := j.Bucket.create(ctx, dayKey(p.ID, day), text)
	if err != nil {
		return "", err
	}
	switch differs, err := v.Superseded(stored); {
	case err != nil:
		return "", fmt.Errorf("read %s: %w", dayKey(p.ID, day), err)
	case differs:
		j.differs("valuation", day, p.ID)
	}
	sum := sha256.Sum256(stored)
	return hex.EncodeToString(sum[:]), nil
}

// failed counts a failure and returns it.
func (j *Job) failed(err error) error {
	j.Metrics.HistoryFailed()
	return err
}

// differs reports an object whose content would be different if it were made now.
func (j *Job) differs(object string, day backend.Date, portfolio string) {
	j.Log.Error("stored history differs from a new valuation",
		"object", object, "day", day.String(), "portfolio", portfolio)
	j.Metrics.HistoryDiffered()
}

func code(err error) backend.Code {
	if known := (*backend.Error)(nil); errors.As(err, &known) {
		return known.Code
	}
	return ""
}
