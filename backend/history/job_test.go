package history_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/history"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDayIsStored(t *testing.T) {
	w, job := newWorld(t)
	w.add(450, w.now.AddDate(0, 0, -9)) // more than two pages
	w.add(1, w.now)                     // created after the day
	w.gone = "p-0007"
	require.NoError(t, job.Run(t.Context()))
	require.Len(t, w.objects, 449+1)

	const key = "days/p-0000/2026-03-02.json"
	assert.Contains(t, w.objects[key], `"as_of":"2026-03-02T23:59:59.999999999Z"`)
	assert.Contains(t, w.objects[key], `"total":"5"`)
	var m struct {
		Day        string
		Portfolios map[string]string
	}
	require.NoError(t, json.Unmarshal([]byte(w.objects["manifests/2026-03-02.json"]), &m))
	assert.Equal(t, "2026-03-02", m.Day)
	assert.Len(t, m.Portfolios, 449)
	for id, hash := range m.Portfolios {
		object := w.objects["days/"+id+"/2026-03-02.json"]
		assert.Equal(t, fmt.Sprintf("%x", sha256.Sum256([]byte(object))), hash)
	}

	text, found, err := job.Bucket.Day(t.Context(), "p-0000", backend.NewDate(2026, 3, 2))
	require.NoError(t, err)
	assert.True(t, found)
	assert.Equal(t, w.objects[key], string(text))
	_, found, err = job.Bucket.Day(t.Context(), "p-0000", backend.NewDate(2026, 3, 1))
	require.NoError(t, err)
	assert.False(t, found)

	writes := w.writes
	require.NoError(t, job.Run(t.Context()), "nothing is left to do")
	assert.Equal(t, writes, w.writes)
}

// Stored objects stay as they are, and a day that would be different now is reported.
func TestDifferenceIsReported(t *testing.T) {
	w, job := newWorld(t)
	w.add(2, w.now.AddDate(0, 0, -9))
	require.NoError(t, job.Run(t.Context()))
	before := maps.Clone(w.objects)

	delete(w.objects, "manifests/2026-03-02.json") // as if the run had been interrupted
	require.NoError(t, job.Run(t.Context()))
	assert.Equal(t, before, w.objects)
	assert.Zero(t, w.differ)

	delete(w.objects, "manifests/2026-03-02.json")
	w.price = 6
	require.NoError(t, job.Run(t.Context()))
	assert.Equal(t, before, w.objects)
	assert.Equal(t, 2, w.differ)
	assert.Contains(t, w.log.String(), `"day":"2026-03-02","portfolio":"p-0001"`)
}

func TestMissedDays(t *testing.T) {
	w, job := newWorld(t)
	w.add(1, w.now.AddDate(-1, 0, 0))
	require.NoError(t, job.Run(t.Context()))
	days := func() int { return len(w.objects) / 2 } // a valuation and a manifest each
	assert.Equal(t, 1, days(), "the first run stores one day")

	w.now = w.now.AddDate(0, 0, 40)
	require.NoError(t, job.Run(t.Context()))
	assert.Equal(t, 1+31, days(), "a month at most")
	require.NoError(t, job.Run(t.Context()))
	assert.Equal(t, 1+40, days())

	w.now = time.Date(2026, 4, 13, 0, 59, 0, 0, time.UTC)
	require.NoError(t, job.Run(t.Context()))
	assert.Equal(t, 1+40, days(), "quotes may arrive for an hour after the close")
	w.now = w.now.Add(time.Minute)
	require.NoError(t, job.Run(t.Context()))
	assert.Equal(t, 1+41, days())
}

// A day closes at midnight in the portfolio's time zone, and is stored an hour later.
func TestDaysCloseInTheirTimeZone(t *testing.T) {
	w, job := newWorld(t)
	old := w.now.AddDate(0, 0, -9)
	utc, sydney, angeles := w.addIn("UTC", old), w.addIn("Australia/Sydney", old), w.addIn("America/Los_Angeles", old)
	run := func(now string) (keys []string) {
		t.Helper()
		before := maps.Clone(w.objects)
		w.now = must(time.Parse(time.RFC3339, now))
		require.NoError(t, job.Run(t.Context()))
		for _, key := range slices.Sorted(maps.Keys(w.objects)) {
			if before[key] == "" {
				keys = append(keys, key)
			}
		}
		return keys
	}
	closed := func(id, day, at string) {
		t.Helper()
		assert.Contains(t, w.objects["days/"+id+"/"+day+".json"], `"as_of":"`+at+`.999999999Z"`)
	}
	// In Sydney it is 23:59 on March 3, in Los Angeles 04:59.
	assert.Equal(t, []string{
		"days/" + utc + "/2026-03-02.json", "days/" + sydney + "/2026-03-02.json", "days/" + angeles + "/2026-03-02.json",
		"manifests/2026-03-02.json", "manifests/America/Los_Angeles/2026-03-02.json", "manifests/Australia/Sydney/2026-03-02.json",
	}, run("2026-03-03T12:59:00Z"))
	closed(utc, "2026-03-02", "2026-03-02T23:59:59")
	closed(sydney, "2026-03-02", "2026-03-02T12:59:59")
	closed(angeles, "2026-03-02", "2026-03-03T07:59:59")

	late := w.addIn("Australia/Sydney", must(time.Parse(time.RFC3339, "2026-03-03T13:30:00Z"))) // on March 4 there
	assert.Empty(t, run("2026-03-03T13:59:00Z"), "an hour for quotes")
	sydneyFirst := []string{"days/" + sydney + "/2026-03-03.json", "manifests/Australia/Sydney/2026-03-03.json"}
	assert.Equal(t, sydneyFirst, run("2026-03-03T14:00:00Z"))
	closed(sydney, "2026-03-03", "2026-03-03T12:59:59")
	assert.Empty(t, run("2026-03-04T00:59:00Z"))
	assert.Equal(t, []string{"days/" + utc + "/2026-03-03.json", "manifests/2026-03-03.json"}, run("2026-03-04T01:00:00Z"))
	assert.Empty(t, run("2026-03-04T08:59:00Z"))
	assert.Equal(t, []string{"days/" + angeles + "/2026-03-03.json", "manifests/America/Los_Angeles/2026-03-03.json"},
		run("2026-03-04T09:00:00Z"))
	closed(angeles, "2026-03-03", "2026-03-04T07:59:59")

	// Summer time begins in Los Angeles on March 8 and ends in Sydney on April 5.
	run("2026-03-09T12:00:00Z")
	closed(angeles, "2026-03-07", "2026-03-08T07:59:59")
	closed(angeles, "2026-03-08", "2026-03-09T06:59:59")
	run("2026-04-06T23:00:00Z")
	closed(sydney, "2026-04-04", "2026-04-04T12:59:59")
	closed(sydney, "2026-04-05", "2026-04-05T13:59:59")
	closed(late, "2026-03-04", "2026-03-04T12:59:59")
	assert.Zero(t, w.differ)
	assert.Zero(t, w.failures)

	writes := w.writes
	require.NoError(t, history.NewJob(job.Config).Run(t.Context()))
	assert.Equal(t, writes, w.writes, "another instance finds nothing to do")

	w.zonesErr = errors.New("no database")
	require.ErrorContains(t, job.Run(t.Context()), "no database")
	assert.Equal(t, 1, w.failures)
}

func must(at time.Time, err error) time.Time {
	if err != nil {
		panic(err)
	}
	return at
}

func TestAnotherInstanceRunsTheJob(t *testing.T) {
	w, job := newWorld(t)
	w.add(1, w.now.AddDate(0, 0, -9))
	w.busy = true
	require.NoError(t, job.Run(t.Context()))
	assert.Empty(t, w.objects)
}

// A bucket that cannot be listed fails the run: the job does not know where to begin.
func TestUnlistableBucket(t *testing.T) {
	w, job := newWorld(t)
	w.add(2, w.now.AddDate(0, 0, -9))
	w.refuse = 1
	require.ErrorContains(t, job.Run(t.Context()), "list manifests/")
	assert.Equal(t, 1, w.failures)
	assert.Empty(t, w.valued)
	require.NoError(t, job.Run(t.Context()))
	assert.Len(t, w.objects, 3)

	w.refuse = 1
	_, _, err := job.Bucket.Day(t.Context(), "p-0000", backend.NewDate(2026, 3, 2))
	assert.Error(t, err, "an unreadable day does not count as missing")
}

// A portfolio that fails delays neither the other portfolios nor later days, and
// another run values only what is missing.
func TestFailingPortfolio(t *testing.T) {
	w, job := newWorld(t)
	w.add(450, w.now.AddDate(0, 0, -9))
	w.failing["p-0003"] = errors.New("division by zero")
	require.ErrorContains(t, job.Run(t.Context()),
		"history of 2026-03-02, UTC: 1 portfolios failed, the first with: division by zero")
	assert.Len(t, w.objects, 449)
	assert.NotContains(t, w.objects, "manifests/2026-03-02.json")
	assert.Equal(t, 1, w.failures)
	assert.Contains(t, w.log.String(), `"portfolio":"p-0003","day":"2026-03-02","error":"division by zero"`)

	require.Error(t, job.Run(t.Context()))
	assert.Equal(t, 2, w.failures)
	assert.Equal(t, 449, w.writes, "nothing is written again")
	assert.Equal(t, []int{1, 2}, []int{w.valued["p-0002"], w.valued["p-0003"]})

	w.now = w.now.AddDate(0, 0, 2) // two more days have ended
	require.Error(t, job.Run(t.Context()))
	assert.Len(t, w.objects, 3*449)
	delete(w.failing, "p-0003")
	require.NoError(t, job.Run(t.Context()))
	assert.Len(t, w.objects, 3*(450+1))
	assert.Equal(t, 3, w.valued["p-0002"], "once a day")
}

// A day without a manifest is completed even if later days are complete.
func TestGapIsFilled(t *testing.T) {
	w, job := newWorld(t)
	w.add(1, w.now.AddDate(0, 0, -9))
	for _, day := range []string{"2026-02-27", "2026-03-01", "2026-03-02"} {
		w.objects["manifests/"+day+".json"] = "{}"
	}
	require.NoError(t, job.Run(t.Context()))
	assert.Contains(t, w.objects, "days/p-0000/2026-02-28.json")
	assert.Len(t, w.objects, 3+2)
}

// A failed write affects one portfolio, and the next run repeats it.
func TestRefusedWrite(t *testing.T) {
	w, job := newWorld(t)
	w.add(1, w.now.AddDate(0, 0, -9))
	refusing := true
	job.Valuer = valuerFunc(func(at time.Time) (backend.Valuation, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if refusing {
			w.refuse, refusing = 1, false
		}
		return backend.Valuation{AsOf: at}, nil
	})
	require.ErrorContains(t, job.Run(t.Context()), "create days/p-0000/2026-03-02.json")
	require.NoError(t, job.Run(t.Context()))
	assert.Len(t, w.objects, 2)
}

// A run that is cancelled stops at once and counts no failure.
func TestCancelledRun(t *testing.T) {
	w, job := newWorld(t)
	w.add(3, w.now.AddDate(0, 0, -9))
	ctx, cancel := context.WithCancel(t.Context())
	job.Valuer = valuerFunc(func(at time.Time) (backend.Valuation, error) {
		cancel()
		return backend.Valuation{AsOf: at}, nil
	})
	require.ErrorIs(t, job.Run(ctx), context.Canceled)
	assert.Empty(t, w.objects)
	assert.Zero(t, w.failures)
}

type valuerFunc func(time.Time) (backend.Valuation, error)

func (f valuerFunc) Valuation(_ context.Context, _, _ string, at time.Time) (backend.Valuation, error) {
	return f(at)
}
