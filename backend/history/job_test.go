package history_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/history"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// storage speaks as much of S3 as the job needs.
type storage struct {
	mu      sync.Mutex
	objects map[string]string
	refuse  int // so many calls from now on
	writes  int // that made an object
}

func (s *storage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse > 0 {
		s.refuse--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	key := strings.TrimPrefix(r.URL.Path, "/days/")
	switch {
	case r.Method == http.MethodPut:
		body, _ := io.ReadAll(r.Body) // what is cut off fails the test below
		if _, there := s.objects[key]; there && r.Header.Get("If-None-Match") == "*" {
			w.WriteHeader(http.StatusPreconditionFailed)
			return
		}
		s.objects[key] = string(body)
		s.writes++
	case r.URL.Query().Get("list-type") == "2":
		type object struct{ Key string }
		var list struct {
			XMLName  xml.Name `xml:"ListBucketResult"`
			Contents []object
		}
		for _, key := range slices.Sorted(maps.Keys(s.objects)) {
			if strings.HasPrefix(key, r.URL.Query().Get("prefix")) {
				list.Contents = append(list.Contents, object{key})
			}
		}
		_ = xml.NewEncoder(w).Encode(list) // a client that is gone fails itself
	default:
		text, there := s.objects[key]
		if !there {
			w.WriteHeader(http.StatusNotFound)
			text = "<Error><Code>NoSuchKey</Code></Error>"
		}
		_, _ = io.WriteString(w, text)
	}
}

// world is what a job works with.
type world struct {
	*storage
	portfolios []backend.Portfolio
	gone       string // deleted between the list and its valuation
	price      int64
	valueErr   error
	busy       bool // another instance is at it
	pauses     []time.Duration
	differ     int
	log        bytes.Buffer
	now        time.Time
}

func (w *world) Lead(ctx context.Context, do func(context.Context) error) (bool, error) {
	if w.busy {
		return false, nil
	}
	return true, do(ctx)
}

func (w *world) PortfoliosAt(_ context.Context, at time.Time, after string, limit int) (page []backend.Portfolio, err error) {
	for _, p := range w.portfolios {
		if p.ID > after && !p.CreatedAt.After(at) && len(page) < limit {
			page = append(page, p)
		}
	}
	return page, nil
}

func (w *world) Valuation(_ context.Context, owner, id string, asOf time.Time) (backend.Valuation, error) {
	if id == w.gone {
		return backend.Valuation{}, &backend.Error{Code: backend.CodeNotFound}
	}
	return backend.Valuation{AsOf: asOf, Base: "EUR", State: backend.State(owner), Total: decimal.NewNullDecimal(decimal.New(w.price, 0))}, w.valueErr
}

func newWorld(t *testing.T) (*world, *history.Job) {
	w := &world{storage: &storage{objects: map[string]string{}}, price: 5, now: time.Date(2026, 3, 3, 6, 0, 0, 0, time.UTC)}
	server := httptest.NewServer(w.storage)
	t.Cleanup(server.Close)
	client := s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, UsePathStyle: true,
		Credentials: aws.AnonymousCredentials{}, RetryMaxAttempts: 1,
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
	})
	return w, &history.Job{
		Log: slog.New(slog.NewJSONHandler(&w.log, nil)), Bucket: history.NewBucket(client, "days"),
		Leader: w, Portfolios: w, Valuer: w, Now: func() time.Time { return w.now },
		Sleep: func(_ context.Context, d time.Duration) bool {
			w.pauses = append(w.pauses, d)
			return len(w.pauses) < 50
		},
		Differs: func() { w.differ++ },
	}
}

func (w *world) add(n int, created time.Time) {
	for range n {
		w.portfolios = append(w.portfolios, backend.Portfolio{ID: fmt.Sprintf("p-%04d", len(w.portfolios)), Owner: "ada", CreatedAt: created})
	}
}

func TestDayIsKept(t *testing.T) {
	w, job := newWorld(t)
	w.add(450, w.now.AddDate(0, 0, -9)) // more than two pages
	w.add(1, w.now)                     // made after the day
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
		assert.Equal(t, fmt.Sprintf("%x", sha256.Sum256([]byte(w.objects["days/"+id+"/2026-03-02.json"]))), hash)
	}

	text, kept, err := job.Bucket.Day(t.Context(), "p-0000", backend.NewDate(2026, 3, 2))
	require.NoError(t, err)
	assert.True(t, kept)
	assert.Equal(t, w.objects[key], string(text))
	_, kept, err = job.Bucket.Day(t.Context(), "p-0000", backend.NewDate(2026, 3, 1))
	require.NoError(t, err)
	assert.False(t, kept)

	writes := w.writes
	require.NoError(t, job.Run(t.Context()), "there is nothing left to do")
	assert.Equal(t, writes, w.writes)
}

// What is kept stays, and a day that would be another one now is told.
func TestDifferenceIsReported(t *testing.T) {
	w, job := newWorld(t)
	w.add(2, w.now.AddDate(0, 0, -9))
	require.NoError(t, job.Run(t.Context()))
	before := maps.Clone(w.objects)

	delete(w.objects, "manifests/2026-03-02.json") // as if the run had been cut short
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
	assert.Equal(t, 1, days(), "the first run keeps one day")

	w.now = w.now.AddDate(0, 0, 40)
	require.NoError(t, job.Run(t.Context()))
	assert.Equal(t, 1+31, days(), "a month at most")
	require.NoError(t, job.Run(t.Context()))
	assert.Equal(t, 1+40, days())

	w.now = time.Date(2026, 4, 13, 0, 59, 0, 0, time.UTC)
	require.NoError(t, job.Run(t.Context()))
	assert.Equal(t, 1+40, days(), "a day still settles for an hour")
	w.now = w.now.Add(time.Minute)
	require.NoError(t, job.Run(t.Context()))
	assert.Equal(t, 1+41, days())
}

func TestAnotherInstanceIsAtIt(t *testing.T) {
	w, job := newWorld(t)
	w.add(1, w.now.AddDate(0, 0, -9))
	w.busy = true
	require.NoError(t, job.Run(t.Context()))
	assert.Empty(t, w.objects)
}

// S3 that refuses for a while delays a day; longer, and the next run does it.
func TestRefusals(t *testing.T) {
	w, job := newWorld(t)
	w.add(2, w.now.AddDate(0, 0, -9))
	w.refuse = 1
	require.Error(t, job.Run(t.Context()), "it cannot know where to begin")

	w.valueErr = errors.New("database away")
	require.ErrorContains(t, job.Run(t.Context()), "2026-03-02: database away")
	assert.Equal(t, []time.Duration{1 * time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}, w.pauses)
	assert.Empty(t, w.objects, "no manifest of half a day")

	w.valueErr = nil
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, job.Run(ended))
	require.NoError(t, job.Run(t.Context()))
	assert.Len(t, w.objects, 3)

	w.refuse = 1
	_, _, err := job.Bucket.Day(t.Context(), "p-0000", backend.NewDate(2026, 3, 2))
	assert.Error(t, err, "not known to be missing")
}

// A refused write in the middle of a day.
func TestWriteIsTriedAgain(t *testing.T) {
	w, job := newWorld(t)
	w.add(1, w.now.AddDate(0, 0, -9))
	job.Valuer = valuerFunc(func(at time.Time) (backend.Valuation, error) {
		if len(w.pauses) == 0 {
			w.mu.Lock()
			w.refuse = 1
			w.mu.Unlock()
		}
		return backend.Valuation{AsOf: at}, nil
	})
	require.NoError(t, job.Run(t.Context()))
	assert.Equal(t, []time.Duration{time.Second}, w.pauses)
	assert.Len(t, w.objects, 2)
}

type valuerFunc func(time.Time) (backend.Valuation, error)

func (f valuerFunc) Valuation(_ context.Context, _, _ string, at time.Time) (backend.Valuation, error) {
	return f(at)
}
