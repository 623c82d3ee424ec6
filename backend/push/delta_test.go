package push_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/push"
	"portfolio/backend/push/pushtest"

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

var currencies = []backend.Currency{"USD", "EUR", "CHF"}

func newMarket(seed, stream uint64) *market {
	return &market{
		Rand:   rand.New(rand.NewPCG(seed, stream)),
		prices: backend.Prices{Quotes: map[string]backend.Quote{}, Rates: map[backend.Pair]backend.Rate{}},
		now:    time.Date(2026, 1, 2, 3, 4, 5, 678_901_234, time.UTC),
	}
}

func (m *market) step() {
	symbols := []string{"A", "B", "C", "D", "E"}
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
		m.quote(symbols[m.IntN(5)], amount())
	}
}

func (m *market) quote(symbol string, price decimal.Decimal) {
	m.prices.Quotes[symbol] = backend.Quote{
		Symbol: symbol, Price: price, Currency: currencies[m.IntN(3)], Source: "x",
		Time: m.now.Add(-time.Second), Received: m.now,
	}
}

func text(t *testing.T, v any) string {
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}

// start returns the market's valuation as the first one of a stream.
func (m *market) start(sequence int64) (l push.Latest) {
	v := m.value()
	l.Start(&v, sequence)
	return l
}

func (m *market) value() backend.Valuation { return backend.Value(m.ledger, "USD", m.now, m.prices) }

// A delta from any step, as a client receives it, leads to exactly the newest valuation: from
// its own step and from each later one.
func TestDeltasResultInTheValuation(t *testing.T) {
	const first = 7
	for seed := range uint64(200) {
		m := newMarket(seed, 1)
		l := m.start(first)
		valuations := []backend.Valuation{*l.Valuation}
		for range 25 {
			m.step()
			v := m.value()
			if l.Advance(&v) {
				valuations = append(valuations, v)
			}
			require.Equal(t, int64(first+len(valuations)-1), l.Sequence)
			for from := range valuations {
				d, _ := l.Since(int64(first + from))
				var sent push.Delta
				require.NoError(t, json.Unmarshal([]byte(text(t, d)), &sent))
				for client := from; client < len(valuations); client++ {
					require.Equal(t, text(t, v), text(t, pushtest.Apply(sent, valuations[client])),
						"seed %d, from %d on %d", seed, from, client)
				}
			}
		}
	}
}

func TestNothingButTheTimeChanges(t *testing.T) {
	m := newMarket(1, 1)
	for range 10 {
		m.step()
	}
	l := m.start(1)
	m.now = m.now.Add(time.Millisecond)
	v := m.value()
	assert.False(t, l.Advance(&v), "older, but the same")
	assert.Equal(t, int64(1), l.Sequence)
	assert.Equal(t, m.now, l.AsOf)
}

// The time of a delta is that of its oldest new price.
func TestOldestNewPrice(t *testing.T) {
	m := newMarket(1, 1)
	m.ledger.Holdings = []backend.Holding{one("A"), one("B")}
	l := m.start(1)
	start := m.now
	for i, symbol := range []string{"A", "B", "A"} {
		m.now = start.Add(time.Duration(i+1) * time.Second)
		m.quote(symbol, decimal.NewFromInt(int64(i)))
		v := m.value()
		require.True(t, l.Advance(&v))
	}
	for after, want := range map[int64]time.Time{
		1: start.Add(2 * time.Second), 2: start.Add(2 * time.Second), 3: start.Add(3 * time.Second), 4: {},
	} {
		_, received := l.Since(after)
		assert.Equal(t, want, received, after)
	}
}

// Closed positions are kept, but not without a limit. Clients that do not know of the ones
// before begin again.
func TestClosedPositionsAreBounded(t *testing.T) {
	m := newMarket(1, 1)
	l := m.start(1)
	for i := range 200 {
		m.ledger.Holdings = []backend.Holding{one(fmt.Sprintf("S%03d", i))}
		v := m.value()
		require.True(t, l.Advance(&v))
	}
	require.Equal(t, int64(201), l.Sequence)
	assert.False(t, l.Knows(136))
	assert.True(t, l.Knows(137))
	d, _ := l.Since(137)
	assert.Len(t, d.Removed, 64)
	assert.Equal(t, []string{"S135", "S198"}, []string{d.Removed[0], d.Removed[63]})
}

func one(symbol string) backend.Holding {
	return backend.Holding{Symbol: symbol, Currency: "USD", Quantity: decimal.NewFromInt(1)}
}
