package push_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/push"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// market is a portfolio with prices; both change at random.
type market struct {
	*rand.Rand
	ledger backend.Ledger
	prices backend.Prices
	now    time.Time
}

func (m *market) step() {
	symbols := []string{"A", "B", "C", "D", "E"}
	currencies := []backend.Currency{"USD", "EUR", "CHF"}
	m.now = m.now.Add(time.Duration(m.IntN(40_000)) * time.Millisecond)
	amount := func() decimal.Decimal { return decimal.New(int64(m.IntN(100_000)), -2) }
	switch m.IntN(6) {
	case 0:
		m.ledger.Holdings = nil
		for _, s := range symbols {
			if m.IntN(3) > 0 {
				m.ledger.Holdings = append(m.ledger.Holdings, backend.Holding{
					Symbol: s, Currency: currencies[m.IntN(3)],
					Quantity: decimal.NewFromInt(int64(m.IntN(3))), Cost: amount(),
				})
			}
		}
	case 1:
		m.ledger.Cash = map[backend.Currency]decimal.Decimal{currencies[m.IntN(3)]: amount()}
	case 2:
		pair := backend.Pair{From: currencies[m.IntN(3)], To: currencies[m.IntN(3)]}
		m.prices.Rates[pair] = backend.Rate{Pair: pair, Rate: amount(), Source: "x", Time: m.now, Received: m.now}
	case 3:
		delete(m.prices.Quotes, symbols[m.IntN(5)])
	default:
		s := symbols[m.IntN(5)]
		m.prices.Quotes[s] = backend.Quote{
			Symbol: s, Price: amount(), Currency: currencies[m.IntN(3)], Source: "x",
			Time: m.now.Add(-time.Second), Received: m.now,
		}
	}
}

func text(t *testing.T, v any) string {
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}

// Applying deltas in order, or any run of them merged into one, results in exactly the
// valuation. So does a merged delta that begins before the state of the client.
func TestDeltasResultInTheValuation(t *testing.T) {
	for seed := range uint64(200) {
		m := &market{
			Rand:   rand.New(rand.NewPCG(seed, 1)),
			prices: backend.Prices{Quotes: map[string]backend.Quote{}, Rates: map[backend.Pair]backend.Rate{}},
			now:    time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		}
		valuations := []backend.Valuation{backend.Value(m.ledger, "USD", m.now, m.prices)}
		var deltas []push.Delta
		for range 25 {
			m.step()
			v := backend.Value(m.ledger, "USD", m.now, m.prices)
			d, changed := push.Diff(&valuations[len(valuations)-1], &v)
			var sent push.Delta
			require.NoError(t, json.Unmarshal([]byte(text(t, d)), &sent)) // as a client receives it
			got := sent.Apply(valuations[len(valuations)-1])
			require.Equal(t, text(t, v), text(t, got), "seed %d", seed)
			if !changed {
				continue
			}
			valuations, deltas = append(valuations, v), append(deltas, d)
		}
		for from := range deltas {
			merged := deltas[from]
			for to := from + 1; to < len(deltas); to++ {
				merged = merged.Then(deltas[to])
				for client := from; client <= to; client++ {
					require.Equal(t, text(t, valuations[to+1]), text(t, merged.Apply(valuations[client])),
						"seed %d, %d–%d on %d", seed, from, to, client)
				}
			}
		}
	}
}

func TestDiffOfNothing(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	prices := backend.Prices{Quotes: map[string]backend.Quote{"A": {
		Symbol: "A", Price: decimal.NewFromInt(2), Currency: "USD", Source: "x", Time: at, Received: at,
	}}}
	l := backend.Ledger{Holdings: []backend.Holding{{Symbol: "A", Currency: "USD", Quantity: decimal.NewFromInt(1)}}}
	old, v := backend.Value(l, "USD", at, prices), backend.Value(l, "USD", at.Add(time.Second), prices)
	_, changed := push.Diff(&old, &v)
	assert.False(t, changed, "older, but the same")
}
