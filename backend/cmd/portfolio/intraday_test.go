package main_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"portfolio/backend"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// aDay is a day of a portfolio that is valued every five minutes.
type aDay struct {
	books
	t         *testing.T
	date      backend.Date
	zone      *time.Location
	portfolio string
}

// at returns a time of the day.
func (d aDay) at(hour, minute, second int) time.Time {
	year, month, day := d.date.Midnight().Date()
	return time.Date(year, month, day, hour, minute, second, 0, d.zone)
}

// enter records an entry, some days after the day.
func (d aDay) enter(days int, kind, more string) {
	d.t.Helper()
	d.record(d.portfolio, fmt.Sprintf(`"kind":%q,"date":%q,%s`, kind, d.date+backend.Date(days), more))
}

// expect compares values of the day, by their time: state, total, invested and cash.
func (d aDay) expect(want map[string]string) {
	d.t.Helper()
	var out struct {
		Items []struct {
			Time                  time.Time
			State                 string
			Total, Invested, Cash *string
		}
	}
	d.api(d.key, http.MethodGet, fmt.Sprintf("%s/history?interval=5m&from=%[2]s&to=%[2]s", d.portfolio, d.date), "",
		http.StatusOK, &out)
	text := func(number *string) string {
		if number == nil {
			return "null"
		}
		return *number
	}
	values := map[string]string{}
	for _, v := range out.Items {
		at := v.Time.In(d.zone).Format("15:04")
		if backend.DateIn(v.Time, d.zone) != d.date {
			at = "24:00"
		}
		values[at] = fmt.Sprint(v.State, " ", text(v.Total), " ", text(v.Invested), " ", text(v.Cash))
	}
	require.Contains(d.t, values, "24:00")
	for at, value := range want {
		assert.Equal(d.t, value, values[at], "at %s", at)
	}
}

// withinDay values yesterday every five minutes. The values are computed by hand.
func withinDay(t *testing.T, b books) {
	yesterday := func(t *testing.T, zone *time.Location, base, more string) aDay {
		return aDay{b, t, backend.DateIn(time.Now(), zone) - 1, zone, b.portfolio(base, more)}
	}
	t.Run("prices, trades and cash", func(t *testing.T) {
		pricesWithinDay(yesterday(t, time.UTC, "USD", ""))
	})
	t.Run("a rate, a split and what is missing", func(t *testing.T) {
		splitWithinDay(yesterday(t, time.UTC, "EUR", `,"track_cash":false`))
	})
	t.Run("in Sydney", func(t *testing.T) {
		sydney, err := time.LoadLocation("Australia/Sydney")
		require.NoError(t, err)
		sydneyWithinDay(yesterday(t, sydney, "USD", `,"track_cash":false,"time_zone":"Australia/Sydney"`))
	})
	t.Run("days that have none", func(t *testing.T) {
		p, today := b.portfolio("USD", ""), backend.DateOf(time.Now())
		for query, status := range map[string]int{
			fmt.Sprintf("from=%[1]s&to=%[1]s", today):    http.StatusOK,
			fmt.Sprintf("from=%[1]s&to=%[1]s", today-2):  http.StatusBadRequest,
			fmt.Sprintf("from=%s&to=%s", today-1, today): http.StatusBadRequest,
			fmt.Sprintf("from=%[1]s&to=%[1]s", today+1):  http.StatusBadRequest,
			fmt.Sprintf("from=inception&to=%s", today):   http.StatusBadRequest,
			fmt.Sprintf("from=0000-00-00&to=%s", today):  http.StatusBadRequest,
		} {
			b.api(b.key, http.MethodGet, p+"/history?interval=5m&"+query, "", status, &struct{}{})
		}
	})
}

func pricesWithinDay(d aDay) {
	d.enter(-8, "DEPOSIT", `"amount":"1000","currency":"USD"`)
	d.enter(-8, "BUY", `"symbol":"WDAY","quantity":"4","price":"100","currency":"USD"`)
	d.quote("WDAY", "110", "USD", d.at(-4, 0, 0)) // the close before
	d.quote("WDAY", "120.5", "USD", d.at(10, 0, 30))
	d.quote("WDAY", "121", "USD", d.at(10, 4, 59))
	d.quote("WDAY", "119", "USD", d.at(10, 3, 0))  // late, and not the last of its five minutes
	d.quote("WDAY", "122", "USD", d.at(10, 10, 0)) // the end of its five minutes
	d.enter(0, "SELL", `"time":"12:30","symbol":"WDAY","quantity":"1","price":"123","currency":"USD","fee":"2"`)
	d.quote("WDAY", "130", "USD", d.at(20, 0, 0))
	d.quote("WDAY", "125", "USD", d.at(15, 0, 0))              // late, and the last of its five minutes
	d.enter(0, "WITHDRAWAL", `"amount":"50","currency":"USD"`) // counts at 24:00
	d.expect(map[string]string{
		"00:05": "stale 1040 440 600", "10:00": "stale 1040 440 600",
		"10:05": "priced 1084 484 600", // 4 × 121
		"10:10": "priced 1088 488 600", "10:15": "stale 1088 488 600", "12:25": "stale 1088 488 600",
		"12:30": "stale 1087 366 721", // 3 × 122, and 123 − 2
		"14:55": "stale 1087 366 721", "15:00": "priced 1096 375 721", "19:55": "stale 1096 375 721",
		"20:00": "priced 1111 390 721", "23:55": "stale 1111 390 721",
		"24:00": "stale 1061 390 671",
	})
	// Samples change neither closes nor the prices of days.
	var closes struct{ Items []struct{ Total string } }
	d.api(d.key, http.MethodGet, fmt.Sprintf("%s/history?from=%s&to=%s", d.portfolio, d.date-1, d.date), "", http.StatusOK,
		&closes)
	require.Len(d.t, closes.Items, 2)
	assert.Equal(d.t, []string{"1040", "1061"}, []string{closes.Items[0].Total, closes.Items[1].Total})
	type price struct{ Date, Price, Currency, Time string }
	var prices struct{ Items []price }
	d.api(d.key, http.MethodGet, fmt.Sprintf("/v1/quotes/WDAY/history?from=%s&to=%s", d.date-30, d.date+1), "",
		http.StatusOK, &prices)
	assert.Equal(d.t, []price{
		{(d.date - 1).String(), "110", "USD", d.at(-4, 0, 0).Format(time.RFC3339)},
		{d.date.String(), "130", "USD", d.at(20, 0, 0).Format(time.RFC3339)},
	}, prices.Items)
}

func splitWithinDay(d aDay) {
	d.enter(-8, "BUY", `"symbol":"WSPL","quantity":"10","price":"30","currency":"BBD"`)
	d.quote("WSPL", "40", "BBD", d.at(8, 0, 0))
	d.quote("BBD/EUR", "0.5", "", d.at(9, 0, 0))
	d.quote("BBD/EUR", "0.45", "", d.at(11, 2, 0))
	d.enter(0, "SPLIT", `"time":"14:00","symbol":"WSPL","ratio":{"new":3,"old":2}`)
	d.quote("WSPL", "28", "BBD", d.at(14, 12, 0))
	d.expect(map[string]string{
		"07:55": "no_rate null null 0", "08:55": "no_rate null null 0",
		"09:00": "stale 200 200 0", // 10 × 40 × 0.5
		"11:00": "stale 200 200 0", "11:05": "stale 180 180 0",
		"13:55": "stale 180 180 0", "14:00": "stale 180 180 0", // 15 × 40 × 2/3
		"14:15": "stale 189 189 0", // 15 × 28 × 0.45
	})
	d.enter(0, "TRANSFER_IN", `"time":"16:00","symbol":"WNONE","quantity":"1","amount":"7","currency":"EUR"`)
	d.expect(map[string]string{"15:55": "stale 189 189 0", "16:00": "no_price null null 0"})
}

func sydneyWithinDay(d aDay) {
	d.enter(-4, "BUY", `"symbol":"WSYD","quantity":"2","price":"10","currency":"USD"`)
	d.quote("WSYD", "11", "USD", d.at(0, -1, 0)) // the day before, which is the same day in UTC
	d.quote("WSYD", "12", "USD", d.at(10, 0, 0))
	d.enter(0, "BUY", `"time":"15:00","symbol":"WSYD","quantity":"1","price":"13","currency":"USD"`)
	d.quote("WSYD", "14", "USD", d.at(16, 10, 0))
	d.expect(map[string]string{
		"00:05": "stale 22 22 0", "09:55": "stale 22 22 0", "10:00": "priced 24 24 0", "14:55": "stale 24 24 0",
		"15:00": "stale 36 36 0", "16:10": "priced 42 42 0", "24:00": "stale 42 42 0",
	})
}
