package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"portfolio/backend/source"
	"portfolio/contract/setting"

	"github.com/shopspring/decimal"
)

const (
	// leadInterval is the time between two attempts to become the instance that asks
	// sources.
	leadInterval = 5 * time.Second
	// sourceKeyRefresh is the time between two reads of the secret with the keys.
	sourceKeyRefresh = 5 * time.Minute
)

var maxFactor = decimal.NewFromInt(1000)

// quoteSettings are the valid settings about sources of prices.
type quoteSettings struct {
	Names    []string
	Keys     map[string]string // by source, of this machine
	URLs     map[string]string // by source, instead of the provider's
	Streams  []string          // sources whose socket is used
	Factor   decimal.Decimal   // by which a price may differ from the one before
	Interval time.Duration     // between two prices of a symbol while its market is open
}

// loadQuotes returns the settings about sources, and reports problems with require.
func loadQuotes(e environment, require func(ok bool, name, got, want string)) quoteSettings {
	var q quoteSettings
	var ok bool
	if e.QuoteSources != "" {
		q.Names, ok = setting.ParseSources(e.QuoteSources)
		require(ok, "QUOTE_SOURCES", e.QuoteSources, setting.SourcesForm)
	}
	const bySource = `a JSON object of texts by source, such as {"twelvedata":"…"}`
	read := func(name, text string, hide bool) (values map[string]string) {
		ok := text == "" || json.Unmarshal([]byte(text), &values) == nil && known(values)
		if hide {
			text = "something else"
		}
		require(ok, name, text, bySource)
		return values
	}
	q.Keys = read("QUOTE_SOURCE_KEYS", e.QuoteKeys, true)
	q.URLs = read("QUOTE_SOURCE_URLS", e.QuoteURLs, false)
	for name, address := range q.URLs {
		require(isURL(address), "QUOTE_SOURCE_URLS", fmt.Sprintf("%s for %s", address, name), "an http or https URL")
	}
	require(e.QuoteSecretARN == "" || secretForm.MatchString(e.QuoteSecretARN),
		"QUOTE_SOURCE_SECRET_ARN", e.QuoteSecretARN,
		"the ARN of a secret, or nothing")
	if e.QuoteStreams != "" {
		q.Streams, ok = setting.ParseSources(e.QuoteStreams)
		require(ok, "QUOTE_STREAMS", e.QuoteStreams, setting.SourcesForm)
	}
	var err error
	q.Factor, err = decimal.NewFromString(e.QuoteFactor)
	require(err == nil && q.Factor.GreaterThan(decimal.NewFromInt(1)) && q.Factor.LessThanOrEqual(maxFactor),
		"QUOTE_MAX_FACTOR", e.QuoteFactor, "a decimal above 1, at most 1000")
	q.Interval, err = time.ParseDuration(e.QuoteInterval)
	require(err == nil && q.Interval >= time.Second && q.Interval <= 24*time.Hour, "QUOTE_INTERVAL",
		e.QuoteInterval, "1s to 24h")
	return q
}

// known reports whether all values are of known sources.
func known(values map[string]string) bool {
	for name := range values {
		if !slices.Contains(setting.QuoteSources, name) {
			return false
		}
	}
	return true
}

// keepSources asks the sources of prices for what is held, until ctx ends, while this
// instance leads. Without sources it does nothing.
func (s *service) keepSources(ctx context.Context) {
	if len(s.settings.Quotes.Names) == 0 {
		return
	}
	select {
	case <-s.migrated:
	case <-ctx.Done():
		return
	}
	lead := func() {
		if _, err := s.db.LeadSources(ctx, s.askSources); err != nil && ctx.Err() == nil {
			s.log.Error("asking sources failed", slog.Any("error", err))
		}
	}
	lead()
	every(ctx, leadInterval, lead)
}

// askSources asks all sources until ctx ends or their keys change.
func (s *service) askSources(ctx context.Context) error {
	keys, err := s.sourceKeys(ctx)
	if err != nil {
		return err
	}
	var feeds []*source.Feed
	for _, name := range s.settings.Quotes.Names {
		feed, err := s.newFeed(name, keys[name])
		if err != nil {
			return err
		}
		feeds = append(feeds, feed)
	}
	s.log.Info("asking sources", "sources", s.settings.Quotes.Names)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var asking sync.WaitGroup
	failures := make([]error, len(feeds))
	for i, feed := range feeds {
		asking.Go(func() {
			defer cancel() // the others are asked again with it
			failures[i] = feed.Run(ctx)
		})
	}
	asking.Go(func() {
		defer cancel()
		s.awaitOtherKeys(ctx, keys)
	})
	asking.Wait()
	return errors.Join(failures...)
}

// firstPriced returns the first source that has prices. It is asked for the prices of
// instruments that name no source.
func (s *service) firstPriced() string {
	for _, t := range s.sources.traits {
		if t.Latest || t.Closes || t.Stream {
			return t.Name
		}
	}
	return ""
}

func (s *service) openSource(name, key string) (source.Source, error) {
	quotes := s.settings.Quotes
	return source.Open(name, source.Config{
		Key: key, URL: quotes.URLs[name], Stream: slices.Contains(quotes.Streams, name),
		File: s.settings.ReplayFile, Now: s.now,
	})
}

// newFeed returns the feed of a source.
func (s *service) newFeed(name, key string) (*source.Feed, error) {
	opened, err := s.openSource(name, key)
	if err != nil {
		return nil, err
	}
	return &source.Feed{
		Source:   opened,
		Wants:    s.held.Of(name, name == s.firstPriced()),
		Sink:     source.MarketSink{Market: s.quotes, Proposals: s.db, Quoted: s.metrics.Quoted},
		Store:    s.db,
		Log:      s.log,
		Now:      s.now,
		Sleep:    sleep,
		Interval: s.settings.Quotes.Interval,
		Factor:   s.settings.Quotes.Factor,
	}, nil
}

// sourceKeys returns the sources' keys: those in the secret, or without one those of
// this machine.
func (s *service) sourceKeys(ctx context.Context) (map[string]string, error) {
	if s.sourceSecret == nil {
		return s.settings.Quotes.Keys, nil
	}
	versions, err := s.sourceSecret.Refresh(ctx)
	if err != nil {
		return nil, err
	}
	keys := map[string]string{}
	if json.Unmarshal(versions[0], &keys) != nil { // the error may repeat the secret
		return nil, errors.New("the secret with the sources' keys: got something else, " +
			`want a JSON object such as {"twelvedata":"…"}`)
	}
	maps.Copy(keys, s.settings.Quotes.Keys)
	return keys, nil
}

// awaitOtherKeys returns when the keys have changed or ctx ends.
func (s *service) awaitOtherKeys(ctx context.Context, keys map[string]string) {
	for sleep(ctx, sourceKeyRefresh) {
		now, err := s.sourceKeys(ctx)
		if err != nil {
			s.log.Warn("reading the sources' keys failed", slog.Any("error", err))
			continue
		}
		for _, name := range s.settings.Quotes.Names {
			if now[name] != keys[name] {
				s.log.Info("the key of a source has changed", "source", name)
				return
			}
		}
	}
}

// sleep reports whether d passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
