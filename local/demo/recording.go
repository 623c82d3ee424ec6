package demo

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// pastDays is how far back prices go: to before the first transaction of Seed.
const pastDays = 301

// splitDaysAgo is when ACME was split two for one; prices before are of the old units.
const splitDaysAgo = 200

// price is a price of what Seed's portfolio holds, or the rate of a pair such as EUR/USD.
type price struct {
	symbol   string
	start    float64         // pastDays ago, in today's units
	now      decimal.Decimal // when the market opens
	currency string
	decimals int32
	hour     int // of the close or publication, in UTC
}

var market = []price{
	{"ACME", 149, decimal.RequireFromString("182.40"), "USD", 2, 20},
	{"GLOBEX", 74.5, decimal.RequireFromString("81.15"), "USD", 2, 20},
	{"UMBRA", 97.2, decimal.RequireFromString("104.90"), "EUR", 2, 20},
	{"EUR/USD", 1.108, decimal.RequireFromString("1.1620"), "", 4, 13},
}

// Recording returns a file for the service's source replay: the closes of the days before
// now, without which the portfolio has neither a history nor returns, the prices of every
// five minutes of today, and those that they lead to and from which the market moves on.
func Recording(now time.Time) []byte {
	var rows strings.Builder
	rows.WriteString("time,symbol,price,currency\n")
	midnight := now.UTC().Truncate(24 * time.Hour)
	for _, p := range market {
		for ago := pastDays; ago > 0; ago-- {
			at := midnight.AddDate(0, 0, -ago).Add(time.Duration(p.hour) * time.Hour)
			fmt.Fprintf(&rows, "%s,%s,%s,%s\n", at.Format(time.RFC3339), p.symbol, p.past(ago), p.currency)
		}
		for _, at := range moments(now) {
			fmt.Fprintf(&rows, "%s,%s,%s,%s\n", at.Format(time.RFC3339), p.symbol, p.within(at, now), p.currency)
		}
		fmt.Fprintf(&rows, ",%s,%s,%s\n", p.symbol, p.now, p.currency)
	}
	return []byte(rows.String())
}

// past returns the price of some days ago: a line from the start to now, with waves that
// differ from name to name and vanish today.
func (p price) past(ago int) decimal.Decimal {
	phase := float64(p.symbol[0])
	wave := func(day float64) float64 { return 0.03*math.Sin(day/17+phase) + 0.012*math.Sin(day/4.3+2*phase) }
	if strings.Contains(p.symbol, "/") {
		wave = func(day float64) float64 { return 0.012 * math.Sin(day/29+phase) }
	}
	now := p.now.InexactFloat64()
	line := now + (p.start-now)*float64(ago)/pastDays
	value := decimal.NewFromFloat(line * (1 + wave(float64(ago)) - wave(0))).Round(p.decimals)
	if p.symbol == "ACME" && ago > splitDaysAgo {
		return value.Mul(decimal.NewFromInt(2))
	}
	return value
}
