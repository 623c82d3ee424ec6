package push_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/apigateway"
	"portfolio/backend/push"
	"portfolio/backend/push/pushtest"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"
)

// lags collects the lag of each post.
type lags struct {
	push.NoMetrics
	mu  sync.Mutex
	all []time.Duration
}

func (l *lags) Posted(result push.Result, lag time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if result == push.ResultPosted && lag > 0 {
		l.all = append(l.all, lag)
	}
}

// BenchmarkFanOut has 10,000 connections, 100 to each of 100 portfolios, and 50 quotes
// per second, each of which concerns one portfolio: 5,000 signed posts per second over
// HTTP, with the receiver in this process, too. One iteration is one quote.
func BenchmarkFanOut(b *testing.B) {
	w := newWorld(nil)
	gateway := pushtest.New(nil)
	defer gateway.Close()
	poster, err := apigateway.New(apigateway.Config{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
		Endpoint: gateway.URL, Connections: 128,
	})
	require.NoError(b, err)
	seen := &lags{}
	e := push.New(push.Config{
		Log: slog.New(slog.DiscardHandler), Store: w, Valuer: w, Poster: poster, Metrics: seen,
		Instance: "one", Rate: 20_000,
	})
	const portfolios, connections = 100, 100
	for p := range portfolios {
		id := fmt.Sprint("p", p)
		symbols := make([]string, 100) // a hundred holdings
		for i := range symbols {
			symbols[i] = fmt.Sprintf("S%03d-%02d", p, i)
			w.quote(symbols[i], 1)
		}
		w.hold(id, symbols...)
		for c := range connections {
			connection := backend.Connection{ID: fmt.Sprintf("%s-%d", id, c), DomainName: "api.example",
				Stage: "prod", ConnectedAt: time.Now()}
			w.connections[connection.ID] = connection
			require.NoError(b, w.Subscribe(b.Context(), connection.ID, id, 0, 1, time.Now()))
		}
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		e.Run(ctx)
	}()
	require.Eventually(b, func() bool { return gateway.Posts() >= portfolios*connections },
		time.Minute, 10*time.Millisecond)
	before := gateway.Posts()
	tick := time.NewTicker(time.Second / 50)
	defer tick.Stop()
	n := 0
	for b.Loop() {
		<-tick.C
		w.quote(fmt.Sprintf("S%03d-%02d", n%portfolios, n%100), int64(n+2), e)
		n++
	}
	elapsed := b.Elapsed()
	cancel()
	<-ended // drained
	b.ReportMetric(float64(gateway.Posts()-before)/elapsed.Seconds(), "posts/s")
	slices.Sort(seen.all)
	for name, share := range map[string]float64{"p50-ms": 0.5, "p99-ms": 0.99} {
		if len(seen.all) > 0 {
			at := seen.all[int(share*float64(len(seen.all)-1))]
			b.ReportMetric(float64(at.Microseconds())/1000, name)
		}
	}
}
