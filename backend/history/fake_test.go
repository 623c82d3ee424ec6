package history_test

import (
	"bytes"
	"context"
	"encoding/xml"
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
)

// storage implements the S3 calls that the job makes.
type storage struct {
	mu      sync.Mutex
	objects map[string]string
	refuse  int // how many of the next calls fail
	writes  int // how many calls created an object
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
		body, _ := io.ReadAll(r.Body) // a truncated body fails the test below
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
		_ = xml.NewEncoder(w).Encode(list) // the client has gone away
	default:
		text, there := s.objects[key]
		if !there {
			w.WriteHeader(http.StatusNotFound)
			text = "<Error><Code>NoSuchKey</Code></Error>"
		}
		_, _ = io.WriteString(w, text)
	}
}

// world is everything around a job.
type world struct {
	*storage
	portfolios []backend.Portfolio
	zonesErr   error
	gone       string // deleted between the list and its valuation
	price      int64
	failing    map[string]error // valuations, by portfolio
	valued     map[string]int   // how often each portfolio was
	busy       bool             // another instance runs the job
	differ     int
	failures   int
	log        bytes.Buffer
	now        time.Time
}

func (w *world) Lead(ctx context.Context, do func(context.Context) error) (bool, error) {
	if w.busy {
		return false, nil
	}
	return true, do(ctx)
}

func (w *world) TimeZones(context.Context) ([]string, error) {
	zones := map[string]bool{}
	for _, p := range w.portfolios {
		zones[p.TimeZone] = true
	}
	return slices.Sorted(maps.Keys(zones)), w.zonesErr
}

func (w *world) PortfoliosIn(_ context.Context, zone string, at time.Time, after string,
	limit int) (page []backend.Portfolio, err error) {
	for _, p := range w.portfolios {
		if p.TimeZone == zone && p.ID > after && !p.CreatedAt.After(at) && len(page) < limit {
			page = append(page, p)
		}
	}
	return page, nil
}

func (w *world) Valuation(_ context.Context, owner, id string, asOf time.Time) (backend.Valuation, error) {
	if id == w.gone {
		return backend.Valuation{}, &backend.Error{Code: backend.CodeNotFound}
	}
	w.valued[id]++
	return backend.Valuation{
		AsOf: asOf, Base: "EUR", State: backend.State(owner), Total: decimal.NewNullDecimal(decimal.New(w.price, 0)),
	}, w.failing[id]
}

func (w *world) HistoryDiffered() { w.differ++ }
func (w *world) HistoryFailed()   { w.failures++ }

func newWorld(t *testing.T) (*world, *history.Job) {
	w := &world{
		storage: &storage{objects: map[string]string{}}, price: 5, failing: map[string]error{}, valued: map[string]int{},
		now: time.Date(2026, 3, 3, 6, 0, 0, 0, time.UTC),
	}
	server := httptest.NewServer(w.storage)
	t.Cleanup(server.Close)
	client := s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, UsePathStyle: true,
		Credentials: aws.AnonymousCredentials{}, RetryMaxAttempts: 1,
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
	})
	return w, history.NewJob(history.Config{
		Log: slog.New(slog.NewJSONHandler(&w.log, nil)), Bucket: history.NewBucket(client, "days"),
		Leader: w, Portfolios: w, Valuer: w, Metrics: w, Now: func() time.Time { return w.now },
	})
}

func (w *world) add(n int, created time.Time) {
	for range n {
		w.addIn("UTC", created)
	}
}

// addIn adds a portfolio in a time zone and returns its ID.
func (w *world) addIn(zone string, created time.Time) string {
	id := fmt.Sprintf("p-%04d", len(w.portfolios))
	w.portfolios = append(w.portfolios, backend.Portfolio{ID: id, Owner: "ada", TimeZone: zone, CreatedAt: created})
	return id
}
