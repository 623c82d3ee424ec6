package source

import (
	"context"
	"slices"

	"portfolio/backend"
)

// MarketSink writes what sources publish to a market. It implements Sink.
type MarketSink struct {
	Market interface {
		WriteQuotes(ctx context.Context, by backend.Principal,
			quotes []backend.Quote, rates []backend.Rate) (newer int, err error)
	}
	Proposals interface {
		Propose(ctx context.Context, actions []Action) error
	}
	// Quoted is called with the price of each batch that is fresh for longest.
	Quoted func(backend.Quote)
}

var _ Sink = MarketSink{}

// WritePrices implements Sink. No key is used, so the audit has no owner for it.
func (m MarketSink) WritePrices(ctx context.Context, prices []Price, rates []Rate) error {
	if len(prices)+len(rates) == 0 {
		return nil
	}
	if _, err := m.Market.WriteQuotes(ctx, backend.Principal{}, prices, rates); err != nil {
		return err
	}
	if len(prices) > 0 {
		m.Quoted(slices.MaxFunc(prices, func(a, b Price) int { return a.StaleFrom().Compare(b.StaleFrom()) }))
	}
	return nil
}

// Propose implements Sink.
func (m MarketSink) Propose(ctx context.Context, actions []Action) error {
	return m.Proposals.Propose(ctx, actions)
}
