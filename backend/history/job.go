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
	"slices"
	"time"

	"portfolio/backend"
)

const (
	// quoteGrace is how long after the close of a day its quotes may still arrive.
	quoteGrace = time.Hour
	// maxDays limits the days of one time zone that a run begins. The next run
	// continues.
	maxDays = 31
)

// Leader runs a task on one instance at a time.
type Leader interface {
	// Lead calls do unless another instance is running it, and reports whether it did.
	Lead(ctx context.Context, do func(context.Context) error) (led bool, err error)
}

// Portfolios lists the portfolios of all owners.
type Portfolios interface {
	// TimeZones returns the time zones of all portfolios.
	TimeZones(ctx context.Context) ([]string, error)
	// PortfoliosIn returns up to limit portfolios of a time zone that were created
	// no later than at, in the order of their IDs, starting after the ID after ("" for
	// the first).
	PortfoliosIn(ctx context.Context, zone string, at time.Time, after string, limit int) ([]backend.Portfolio, error)
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

// Job stores each portfolio's valuation at the close of each day in the portfolio's
// time zone. It must not be used concurrently.
type Job struct {
	Config
	// begun holds the days that have no manifest yet, so that another run values
	// only the portfolios that are missing.
	begun map[date]hashes
}

// hashes holds the SHA-256, in hexadecimal, of each stored valuation by portfolio.
type hashes map[string]string

// NewJob returns a job that has stored nothing yet.
func NewJob(c Config) *Job { return &Job{Config: c, begun: map[date]hashes{}} }

// manifest marks a day as complete and holds the hashes of its objects.
type manifest struct {
	Day        backend.Date `json:"day"`
	Portfolios hashes       `json:"portfolios"`
}

// Run stores, for each time zone, every day since the first complete one that is not
// complete, or only the last day if none is complete, unless another instance is doing
// so. It starts at most a month of days. A portfolio that fails delays neither the
// others nor later days, but its day gets no manifest and Run returns an error; the next
// run tries again what is missing. Objects in the bucket are never overwritten: a new
// valuation that differs from the stored one is logged and counted.
func (j *Job) Run(ctx context.Context) error {
	_, err := j.Leader.Lead(ctx, j.catchUp)
	return err
}

func (j *Job) catchUp(ctx context.Context) error {
	complete, err := j.Bucket.complete(ctx)
	if err != nil {
		return j.failed(err)
	}
	for d := range complete {
		delete(j.begun, d) // another instance may have completed it
	}
	zones, err := j.Portfolios.TimeZones(ctx)
	if err != nil {
		return j.failed(err)
	}
	if !slices.Contains(zones, utc) {
		zones = append(zones, utc) // its manifests show that the job runs
	}
	var failures []error
	for _, zone := range zones {
		failures = append(failures, j.catchUpZone(ctx, zone, complete))
	}
	return errors.Join(append(failures, ctx.Err())...)
}

// catchUpZone stores the days of the portfolios of one time zone.
func (j *Job) catchUpZone(ctx context.Context, zone string, complete map[date]bool) error {
	location := backend.Portfolio{TimeZone: zone}.Location()
	last := backend.DateIn(j.Now().Add(-quoteGrace), location) - 1
	first := last
	for d := range complete {
		if d.zone == zone {
			first = min(first, d.day)
		}
	}
	for d := range j.begun {
		if d.zone == zone {
			first = min(first, d.day)
		}
	}
	var failures []error
	began := 0
	for d := (date{zone, first}); d.day <= last && ctx.Err() == nil; d.day++ {
		if complete[d] {
			continue
		}
		if j.begun[d] == nil {
			if began == maxDays {
				break
			}
			began++
			j.begun[d] = hashes{}
		}
		if err := j.storeDay(ctx, d, backend.CloseIn(d.day, location), j.begun[d]); err != nil {
			failures = append(failures, fmt.Errorf("history of %s, %s: %w", d.day, zone, err))
			continue
		}
		delete(j.begun, d)
	}
	return errors.Join(failures...)
}

// storeDay stores one day of all portfolios of its time zone that are not stored yet,
// then the day's manifest. If any portfolio fails, it stores no manifest.
func (j *Job) storeDay(ctx context.Context, d date, closing time.Time, stored hashes) error {
	var failures []error
	for after := ""; ; {
		page, err := j.Portfolios.PortfoliosIn(ctx, d.zone, closing, after, backend.MaxPage)
		if err != nil {
			return j.failed(err)
		}
		for _, p := range page {
			if stored[p.ID] != "" {
				continue
			}
			switch hash, err := j.storePortfolio(ctx, d.day, closing, p); {
			case ctx.Err() != nil:
				return ctx.Err()
			case code(err) == backend.CodeNotFound: // deleted since it was listed
			case err != nil:
				j.Log.Error("storing a portfolio's day failed",
					"portfolio", p.ID, "day", d.day.String(), slog.Any("error", err))
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
	return j.storeManifest(ctx, d, stored)
}

func (j *Job) storeManifest(ctx context.Context, d date, stored hashes) error {
	text, err := json.Marshal(manifest{Day: d.day, Portfolios: stored}) // sorted by ID
	if err != nil {
		return err
	}
	before, err := j.Bucket.create(ctx, manifestKey(d), text)
	if err != nil {
		return j.failed(err)
	}
	if !bytes.Equal(before, text) {
		j.differs("manifest", d.day, "")
	}
	j.Log.Info("history of a day is complete", "day", d.day.String(), "timeZone", d.zone, "portfolios", len(stored))
	return nil
}

// storePortfolio stores a portfolio's day and returns the hash of the stored object.
func (j *Job) storePortfolio(ctx context.Context, day backend.Date, closing time.Time,
	p backend.Portfolio) (hash string, err error) {
	v, err := j.Valuer.Valuation(ctx, p.Owner, p.ID, closing)
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
