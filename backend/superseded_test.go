package backend_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"portfolio/backend"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSuperseded(t *testing.T) {
	v := backend.Valuation{
		AsOf: time.Date(2026, 3, 2, 23, 59, 59, 0, time.UTC), Base: "EUR", State: backend.StatePriced,
		Total:     decimal.NewNullDecimal(decimal.New(5, 0)),
		Positions: []backend.Position{{Symbol: "A", Quantity: decimal.New(1, 0)}},
		Quotes:    []backend.UsedQuote{{AgeMS: 3}},
	}
	text, err := json.Marshal(v)
	require.NoError(t, err)
	stored := string(text)
	var members map[string]any
	require.NoError(t, json.Unmarshal(text, &members))
	indented, err := json.MarshalIndent(members, "", "\t") // sorted by name, too
	require.NoError(t, err)

	for name, test := range map[string]struct {
		stored string
		want   bool
	}{
		"the same":                {stored, false},
		"other order and spaces":  {string(indented), false},
		"without a newer member":  {strings.Replace(stored, `"day_change":null,`, "", 1), false},
		"with an older member":    {strings.Replace(stored, `{`, `{"was":1,`, 1), false},
		"another total":           {strings.Replace(stored, `"total":"5"`, `"total":"6"`, 1), true},
		"total null":              {strings.Replace(stored, `"total":"5"`, `"total":null`, 1), true},
		"another close":           {strings.Replace(stored, `02T23`, `02T12`, 1), true},
		"another symbol":          {strings.Replace(stored, `"symbol":"A"`, `"symbol":"B"`, 1), true},
		"another age":             {strings.Replace(stored, `"age_ms":3`, `"age_ms":4`, 1), true},
		"no positions":            {strings.Replace(stored, string(must(json.Marshal(v.Positions))), `[]`, 1), true},
		"a number for a list":     {strings.Replace(stored, string(must(json.Marshal(v.Positions))), `1`, 1), true},
		"a list for a number":     {strings.Replace(stored, `"total":"5"`, `"total":[]`, 1), true},
		"an object for a number":  {strings.Replace(stored, `"total":"5"`, `"total":{}`, 1), true},
		"a list, not a valuation": {`[]`, true},
	} {
		t.Run(name, func(t *testing.T) {
			if test.want || name != "the same" {
				require.NotEqual(t, stored, test.stored)
			}
			got, err := v.Superseded([]byte(test.stored))
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
		})
	}
	_, err = v.Superseded([]byte(`{"total":`))
	assert.Error(t, err)
}

func must(text []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return text
}
