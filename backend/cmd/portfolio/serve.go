package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"portfolio/backend"
	"portfolio/backend/history"
	backendhttp "portfolio/backend/http"
	"portfolio/backend/metrics"
	"portfolio/backend/postgres"
	"portfolio/backend/push"
	"portfolio/backend/secret"
	"portfolio/backend/source"
	"portfolio/backend/valkey"
	"portfolio/contract/wire"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

const (
	awsTimeout = 2 * time.Second // of one try of a call to AWS

	// drainTimeout is how long calls in flight may take once the process is told to
	// stop.
	drainTimeout = wire.DeregistrationDelay - 5*time.Second

	// keyOverlap is how long the signing key before the current one counts, from
	// the creation of the current one. The WebSocket handler reads the key again when
	// its own is refused, so this only saves it that detour during a rotation; a
	// longer time would keep a leaked key valid after the rotation that should end it.
	keyOverlap = 10 * time.Minute
	keyRefresh = 5 * time.Minute // without this an unused instance would not notice a rotation

	sweepInterval = 30 * time.Second
	// sweepLimit bounds one statement. At API Gateway's limit of 500 new
	// connections per second, two instances remove more than can expire.
	sweepLimit = 10_000
)

// service has the parts that serve connects.
type service struct {
	log      *slog.Logger
	metrics  *observer
	db       *postgres.DB
	cache    *valkey.Cache
	tracker  *backend.Tracker
	follower *backend.Follower // values for push
	history  *history.Bucket
	signing  *secret.Reader
	quotes   *valkey.Quotes
	push     *push.Engine
	provider backend.IdentityProvider // nil for none
	api      *backendhttp.Handler
	settings settings
	held     *source.Holdings // what sources are asked for
	now      func() time.Time

	sources      sourceStates
	naming       sync.Mutex
	rename       chan struct{}  // holds one element when names have to be read again
	sourceSecret *secret.Reader // the sources' keys; nil without one

	migrated chan struct{} // closed once the schema is migrated
}

// serve answers requests until ctx ends, then finishes those in flight. To start, it
// needs only its port.
func serve(ctx context.Context, s settings, log *slog.Logger) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.ListenAddress)
	if err != nil {
		return err
	}
	defer listener.Close()
	svc, err := newService(ctx, s, log, time.Now)
	if err != nil {
		return err
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	// Pushing ends with ctx, while calls in flight are finished.
	pushing, stopPushing := context.WithCancel(ctx)
	var tasks sync.WaitGroup
	defer func() {
		stopPushing()
		stop()
		tasks.Wait()
		svc.db.Close()
		svc.cache.Close()
	}()
	tasks.Go(func() { svc.keepSchema(background) })
	tasks.Go(func() { svc.keepCache(background) })
	tasks.Go(func() { svc.keepKeys(background) })
	tasks.Go(func() { svc.publish(pushing) })
	tasks.Go(func() { svc.follow(background) })
	tasks.Go(func() { svc.keepHistory(background) })
	tasks.Go(func() { svc.keepSources(background) })
	tasks.Go(func() { svc.keepNames(background) })
	tasks.Go(func() { svc.metrics.keep(background, log, svc.db, svc.sources) })

	server := backendhttp.NewServer(svc.api, log)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	log.Info("listening", "address", listener.Addr().String())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	log.Info("draining", "atMost", drainTimeout.String())
	draining, cancel := context.WithTimeout(background, drainTimeout)
	defer cancel()
	if err := server.Shutdown(draining); err != nil {
		return errors.Join(fmt.Errorf("calls were still in flight after %s: %w", drainTimeout, err), server.Close())
	}
	return nil
}

// newService creates the adapters. None of them connects yet. Portfolios are valued and
// sources asked by the clock now; deadlines and metrics use the machine's clock.
func newService(ctx context.Context, s settings, log *slog.Logger, now func() time.Time) (*service, error) {
	aws, err := loadAWS(ctx, s)
	if err != nil {
		return nil, err
	}
	db, err := openDatabase(ctx, s, aws, log)
	if err != nil {
		return nil, err
	}
	objects := s3.NewFromConfig(aws, func(o *s3.Options) { o.UsePathStyle = s.Endpoint != "" })
	cache := valkey.New(s.CacheEndpoint, s.CacheRoots)
	observer := &observer{registry: metrics.New(s.Suffix)}
	quotes := valkey.NewQuotes(cache, db, s.QuoteTTL, log, observer)
	tracker := backend.NewTracker(db, db, quotes, now)
	follower := backend.NewFollower(tracker)
	engine, err := newPush(s, aws.Credentials, db, follower, observer, log)
	if err != nil {
		return nil, err
	}
	svc := &service{
		log:      log,
		metrics:  observer,
		db:       db,
		cache:    cache,
		tracker:  tracker,
		quotes:   quotes,
		push:     engine,
		migrated: make(chan struct{}),
		history:  history.NewBucket(objects, s.HistoryBucket),
		settings: s,
		follower: follower,
		signing:  secret.NewReader(secretsmanager.NewFromConfig(aws), s.SigningARN, keyOverlap),
		held:     source.NewHoldings(db, db, db, now),
		now:      now,
		rename:   make(chan struct{}, 1),
	}
	svc.sources = sourceStates{store: db, now: svc.now}
	for _, name := range s.Quotes.Names { // with whatever key: nothing is sent
		opened, err := svc.openSource(name, "")
		if err != nil {
			return nil, err
		}
		svc.sources.traits = append(svc.sources.traits, opened.Traits())
	}
	if s.QuoteSecretARN != "" {
		svc.sourceSecret = secret.NewReader(secretsmanager.NewFromConfig(aws), s.QuoteSecretARN, 0)
	}
	if svc.provider, err = newProvider(s.SignIn, secretsmanager.NewFromConfig(aws)); err != nil {
		return nil, err
	}
	svc.api = svc.newAPI()
	return svc, nil
}

func loadAWS(ctx context.Context, s settings) (aws.Config, error) {
	config, err := awsconfig.LoadDefaultConfig(ctx,
		awsconfig.WithRegion(s.Region),
		awsconfig.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(awsTimeout)))
	if err != nil {
		return aws.Config{}, fmt.Errorf("AWS configuration: %w", err)
	}
	return config, nil
}

func openDatabase(ctx context.Context, s settings, aws aws.Config, log *slog.Logger) (*postgres.DB, error) {
	secrets := secretsmanager.NewFromConfig(aws)
	return postgres.Open(ctx, postgres.Config{
		Host: s.DBHost, Port: s.DBPort, Name: s.DBName, CAFile: s.DBCAFile,
		Credentials: secret.NewReader(secrets, s.DBSecretARN, 0).Credentials,
		Owner:       secret.NewReader(secrets, s.DBOwnerARN, 0).Credentials,
		Log:         log,
	})
}

// newAPI returns the HTTP handlers, which use everything else.
func (s *service) newAPI() *backendhttp.Handler {
	return backendhttp.NewHandler(backendhttp.Dependencies{
		Log:         s.log,
		Metrics:     s.metrics,
		Now:         s.now,
		Keys:        s.signing,
		Replays:     valkey.NewReplay(s.cache, s.log),
		Connections: s.db,
		APIKeys:     s.db,
		Sessions:    s.db,
		Identities:  s.db,
		Provider:    s.provider,
		Portfolios:  s.db,
		Imports:     s.db,
		Tickets:     s.db,
		Tracker:     s.tracker,
		Days:        s.history,
		Market:      s.quotes,
		Sources:     s.sources,
		Instruments: namedInstruments{s.db, s.loadNames},
		Proposals:   s.db,
		Live:        s.push,
		RateLimit:   float64(s.settings.KeyRate),
		Balancers:   s.settings.Balancers,
		Socket:      s.settings.WebSocketURL,
		Checks: map[string]func(context.Context) error{
			"postgres": s.db.Check,
			"valkey":   s.cache.Check,
			"history":  s.history.Check,
		},
	})
}

// keepSchema migrates as soon as the database is reachable, then sweeps expired rows.
func (s *service) keepSchema(ctx context.Context) {
	retry(ctx, s.log, "migrate", s.db.Migrate)
	close(s.migrated)
	every(ctx, sweepInterval, func() {
		switch n, err := s.db.Sweep(ctx, time.Now(), sweepLimit); {
		case err != nil && ctx.Err() == nil:
			s.log.Warn("sweeping expired rows failed", slog.Any("error", err))
		case len(n) > 0:
			s.log.Info("expired rows swept", "removed", n)
		}
	})
}

func (s *service) keepCache(ctx context.Context) {
	retry(ctx, s.log, "connect to cache", func(context.Context) error { return s.cache.Connect() })
}

// keepKeys reads the signing keys before the first call, and again every keyRefresh.
func (s *service) keepKeys(ctx context.Context) {
	refresh := func(ctx context.Context) error {
		_, err := s.signing.Refresh(ctx)
		return err
	}
	retry(ctx, s.log, "read signing key", refresh)
	every(ctx, keyRefresh, func() { retry(ctx, s.log, "read signing key", refresh) })
}
