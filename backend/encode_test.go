package backend

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// The AppendJSON methods append the bytes that json.Marshal writes.
func TestAppendedJSON(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	texts := []string{"", "BRK B", "M&M.NS", "<a>", "\"\\", "ü💶", "\x00\x7f", "\xff", "\u2028", "load"}
	text := func() string { return texts[r.IntN(len(texts))] }
	number := func() decimal.Decimal {
		d := randomPrice(r)
		if r.IntN(3) == 0 {
			d = decimal.New(r.Int64N(2000)-1000, int32(r.IntN(24))-20)
		}
		if r.IntN(2) == 0 {
			d = d.Neg()
		}
		return d
	}
	null := func() decimal.NullDecimal { return valid(number(), r.IntN(4) > 0) }
	moment := func() time.Time {
		at := time.Date(1900+r.IntN(300), 1, 2, 3, 4, 5, 0, time.UTC)
		return at.Add(time.Duration(r.Int64N(1e9)) / time.Duration(1+999*r.IntN(2)))
	}
	for range 2_000 {
		gains := Gains{null(), null(), null(), null(), null()}
		q := UsedQuote{Quote: Quote{Symbol: text(), Price: number(), Currency: "EUR", Source: text(),
			Time: moment(), Received: moment()},
			AgeMS: r.Int64(), Stale: r.IntN(2) == 0}
		if r.IntN(2) == 0 {
			q.FreshUntil = moment()
		}
		rate := UsedRate{Rate: Rate{Pair: Pair{"EUR", Currency(text())}, Rate: number(), Source: text(),
			Time: moment(), Received: moment()}}
		position := Position{Symbol: text(), Name: text(), Currency: "USD", Quantity: number(), Cost: number(),
			State: State(text()), Value: null(), Unrealised: null(), BaseValue: null(), Gains: gains}
		cash := CashPosition{Currency: "EUR", Amount: number(), State: StatePriced, BaseValue: null()}
		worth := Worth{State: StateStale, Total: null(), Invested: null(), Cash: null()}
		day := DayValue{Date: Date(1 + r.IntN(3_000_000)), Worth: worth}
		instant := MomentValue{Time: moment(), Worth: worth}
		for _, one := range []struct {
			value any
			got   []byte
		}{
			{q, q.AppendJSON(nil)}, {rate, rate.AppendJSON(nil)}, {position, position.AppendJSON(nil)},
			{cash, cash.AppendJSON(nil)}, {day, day.AppendJSON(nil)}, {instant, instant.AppendJSON(nil)},
			{[]DayValue{day, day}, AppendList(nil, []DayValue{day, day}, (*DayValue).AppendJSON)},
			{[]DayValue(nil), AppendList(nil, nil, (*DayValue).AppendJSON)},
			{[]DayValue{}, AppendList(nil, []DayValue{}, (*DayValue).AppendJSON)},
		} {
			want, err := json.Marshal(one.value)
			require.NoError(t, err)
			require.Equal(t, string(want), string(one.got))
		}
	}
}
