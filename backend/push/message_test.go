package push

import (
	"encoding/json"
	"testing"
	"time"

	"portfolio/backend"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A message of a delta is what json.Marshal writes, whichever members have values.
func TestDeltaMessageIsItsJSON(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_900_000, time.UTC)
	amount := decimal.NewNullDecimal(decimal.New(-1050, -2))
	for _, d := range []Delta{
		{},
		{
			AsOf: at, State: backend.StatePriced, Total: amount, Cash: amount, Gains: backend.Gains{BaseCost: amount},
			Positions: []backend.Position{{Symbol: "M&M.NS", Quantity: decimal.New(1, 0),
				Value: amount}, {Symbol: "B"}},
			Removed:  []string{"A", "^GSPC"},
			Balances: []backend.CashPosition{{Currency: "EUR", Amount: decimal.New(1, -18)}},
			Quotes: []backend.UsedQuote{{Quote: backend.Quote{Symbol: "B", Time: at, Received: at,
				FreshUntil: at}, AgeMS: 3, Stale: true}},
			Rates: []backend.UsedRate{{Rate: backend.Rate{Pair: backend.Pair{From: "EUR", To: "USD"}, Time: at}}},
		},
		{Positions: []backend.Position{}, Removed: []string{}, Quotes: []backend.UsedQuote{}},
	} {
		m := deltaMessage{Type: "delta", Portfolio: "p", After: 1, Sequence: 1 << 52, Delta: d}
		want, err := json.Marshal(m)
		require.NoError(t, err)
		assert.Equal(t, string(want), string(m.appendJSON(nil)))
	}
}
