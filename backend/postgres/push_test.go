package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/apigateway"
	"portfolio/backend/postgres"
	"portfolio/backend/push"
	"portfolio/backend/push/pushtest"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// valuer values what the database has, without a cache.
type valuer struct{ *postgres.DB }

func (v valuer) Valuation(ctx context.Context, owner, id string, _ time.Time) (backend.Valuation, error) {
	p, txs, err := v.Load(ctx, owner, id)
	if err != nil {
		return backend.Valuation{}, err
	}
	now := time.Now().UTC()
	l, err := backend.Derive(ctx, p.Policy, txs, backend.DateOf(now))
	if err != nil {
		return backend.Valuation{}, err
	}
	var symbols []string
	for _, h := range l.Holdings {
		symbols = append(symbols, h.Symbol)
	}
	prices, err := v.Latest(ctx, symbols, []backend.Currency{p.Base})
	return backend.Value(l, p.Base, now, prices), err
}

// instance is the part of a service process that publishes.
func instance(t *testing.T, c postgres.Config, name, gateway string) (stop func()) {
	db, err := postgres.Open(t.Context(), c)
	require.NoError(t, err)
	poster, err := apigateway.New(apigateway.Config{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
		Endpoint: gateway, Connections: 16,
	})
	require.NoError(t, err)
	e := push.New(push.Config{
		Log: slog.New(slog.DiscardHandler), Store: db, Valuer: valuer{db}, Poster: poster, Instance: name, Rate: 1000,
	})
	ctx, cancel := context.WithCancel(t.Context())
	var tasks sync.WaitGroup
	tasks.Go(func() { e.Run(ctx) })
	tasks.Go(func() { _ = db.Listen(ctx, e.Changed, e.Lost) })
	return sync.OnceFunc(func() {
		cancel()
		tasks.Wait()
		db.Close()
	})
}

// A quote and a transaction written at one instance reach clients whose portfolio
// another publishes. If an instance is gone, the other takes over.
func TestPushAcrossInstances(t *testing.T) {
	name := database(t)
	db := open(t, config(name))
	require.NoError(t, db.Migrate(t.Context()))
	ctx := t.Context()
	alice := member(t, db, "alice")
	p := portfolio(t, db, alice)
	record := func(quantity string) {
		_, _, err := db.Record(ctx, alice, p.ID, "",
			[]backend.Transaction{buy(backend.DateOf(time.Now()), "ACME", quantity, "10")})
		require.NoError(t, err)
	}
	quote := func(price string) {
		_, err := db.WriteQuotes(ctx, backend.Principal{}, []backend.Quote{{
			Symbol: "ACME", Price: dec(price), Currency: "EUR", Source: "test", Time: time.Now(), Received: time.Now(),
		}}, nil)
		require.NoError(t, err)
	}
	record("2")
	quote("11")

	type message struct {
		Type      string
		Portfolio string
		Sequence  int64
		Invested  *string
		Valuation struct{ Invested *string }
	}
	var mu sync.Mutex
	latest, sequence, last := map[string]string{}, map[string]int64{}, map[string]string{}
	gateway := pushtest.New(func(connection string, text []byte) {
		mu.Lock()
		defer mu.Unlock()
		var m message
		assert.NoError(t, json.Unmarshal(text, &m))
		if m.Portfolio != p.ID {
			return // with -count, the previous run had connections of the same names
		}
		assert.Greater(t, m.Sequence, sequence[connection], "in order: %s after %s: %s",
			connection, last[connection], text)
		last[connection] = string(text)
		invested := m.Invested
		if m.Type == "snapshot" {
			invested = m.Valuation.Invested
		}
		if invested != nil {
			latest[connection] = *invested
		}
		sequence[connection] = m.Sequence
	})
	defer gateway.Close()
	sees := func(want string, connections ...string) {
		t.Helper()
		for _, c := range connections {
			assert.Eventually(t, func() bool {
				mu.Lock()
				defer mu.Unlock()
				return latest[c] == want
			}, time.Minute, 10*time.Millisecond, "%s sees %s", c, want)
		}
	}
	stopOne := instance(t, config(name), "one", gateway.URL)
	defer stopOne()
	for i := range 50 {
		id := fmt.Sprint("gone-", i)
		socket(t, db, alice, id)
		gateway.Answer(id, pushtest.Answer{Status: 410})
		require.NoError(t, db.Subscribe(ctx, id, p.ID, 0, 9, time.Now()))
	}
	socket(t, db, alice, "c=")
	socket(t, db, alice, "d=")
	require.NoError(t, db.Subscribe(ctx, "c=", p.ID, 0, 9, time.Now()))
	sees("22", "c=")
	stopTwo := instance(t, config(name), "two", gateway.URL)
	defer stopTwo()
	require.NoError(t, db.Subscribe(ctx, "d=", p.ID, 0, 9, time.Now()))
	quote("12")
	sees("24", "c=", "d=")
	record("1")
	sees("36", "c=", "d=")
	assert.Eventually(t, func() bool {
		list, err := db.Subscribers(ctx, p.ID, time.Now())
		return err == nil && len(list) == 2
	}, 30*time.Second, 20*time.Millisecond, "exactly the connections that are gone are forgotten")

	// The publisher crashes: its connections to the database are cut, and it does not
	// release its leases.
	stopOne()
	conn := inspect(t, name)
	_, err := conn.Exec(ctx, "insert into instances values ('dead', now() + interval '1 second')")
	require.NoError(t, err)
	_, err = conn.Exec(ctx, "update streams set instance_id = 'dead', epoch = epoch + 1")
	require.NoError(t, err)
	quote("13")
	sees("39", "c=", "d=")
	quote("14")
	sees("42", "c=", "d=")
}
