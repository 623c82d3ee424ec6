package main

import (
	"context"
	"crypto/rand"
	"log/slog"

	"portfolio/backend"
	"portfolio/backend/apigateway"
	"portfolio/backend/postgres"
	"portfolio/backend/push"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// posters is how many posts are in flight at most. At some 10 ms each, they are
// enough for 12,000 per second, more than an account's quota.
const posters = 128

// newPush returns the engine that posts changes to clients. Each call chooses a new name
// for this instance.
func newPush(s settings, credentials aws.CredentialsProvider, db *postgres.DB, v push.Valuer, m push.Metrics,
	log *slog.Logger) (*push.Engine, error) {
	poster, err := apigateway.New(apigateway.Config{
		Region: s.Region, Credentials: credentials, Endpoint: s.Endpoint, Connections: posters,
	})
	if err != nil {
		return nil, err
	}
	return push.New(push.Config{
		Log: log, Store: db, Valuer: v, Poster: poster, Metrics: m, Instance: rand.Text(),
		Rate: float64(s.PushRate), Posters: posters,
	}), nil
}

// publish pushes until ctx ends, once the schema is migrated.
func (s *service) publish(ctx context.Context) {
	select {
	case <-s.migrated:
		s.push.Run(ctx)
	case <-ctx.Done():
	}
}

// follow passes on the changes made at any instance: first to the prices and the
// follower, because the others then read from them.
func (s *service) follow(ctx context.Context) {
	changed := func(c backend.Change) {
		if c.Instruments {
			s.renamed()
		}
		s.quotes.Changed(c)
		s.follower.Changed(c)
		s.push.Changed(c)
		s.api.Changed(c)
	}
	lost := func() {
		s.renamed()
		s.quotes.Lost()
		s.follower.Lost()
		s.push.Lost()
		s.api.Lost()
	}
	retry(ctx, s.log, "follow changes", func(ctx context.Context) error { return s.db.Listen(ctx, changed, lost) })
}
