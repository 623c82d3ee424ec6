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

// moments returns the values of a day every five minutes, by their times in a time zone, as
// state, total, invested and cash.
func (b books) moments(portfolio string, day backend.Date, zone *time.Location) map[string]string {
	b.t.Helper()
	var out struct {
		Items []struct {
			Time                  time.Time
			State                 string
			Total, Invested, Cash *string
		}
	}
	b.api(b.key, http.MethodGet, fmt.Sprintf("%s/history?interval=5m&from=%[2]s&to=%[2]s", portfolio, day), "",
		http.StatusOK, &out)
	text := func(number *string) string {
		if number == nil {
			return "null"
		}
		return *number
	}
	values := map[string]string{}
	for _, v := range out.Items {
		at := v.Time.In(zone).Format("15:04")
		if backend.DateIn(v.Time, zone) != day {
			at = "24:00"
		}
		values[at] = fmt.Sprint(v.State, " ", text(v.Total), " ", text(v.Invested), " ", text(v.Cash))
	}
	return values
}

// Yesterday every five minutes, with values computed by hand.
func withinDay(t *testing.T, b books) {
	today := backend.DateOf(time.Now())
	yesterday := today - 1
	at := func(clock string) time.Time {
		moment, err := time.Parse("2006-01-02 15:04:05", yesterday.String()+" "+clock)
		require.NoError(t, err)
		return moment
	}
	expect := func(t *testing.T, got map[string]string, want map[string]string) {
		t.Helper()
		for clock, value := range want {
			assert.Equal(t, value, got[clock], "at %s", clock)
		}
	}
	t.Run("prices, trades and cash", func(t *testing.T) {
		p := b.portfolio("USD", "")
		b.record(p, fmt.Sprintf(`"kind":"DEPOSIT","date":%q,"amount":"1000","currency":"USD"`, today-9))
		b.record(p, fmt.Sprintf(`"kind":"BUY","date":%q,"symbol":"WDAY","quantity":"4","price":"100","currency":"USD"`, today-9))
		b.quote("WDAY", "110", "USD", at("00:00:00").Add(-4*time.Hour)) // the close before
		b.quote("WDAY", "120.5", "USD", at("10:00:30"))
		b.quote("WDAY", "121", "USD", at("10:04:59"))
		b.quote("WDAY", "119", "USD", at("10:03:00")) // late, and not the last of its five minutes
		b.quote("WDAY", "122", "USD", at("10:10:00")) // the end of its five minutes
		b.record(p, fmt.Sprintf(`"kind":"SELL","date":%q,"time":"12:30","symbol":"WDAY","quantity":"1","price":"123","currency":"USD","fee":"2"`, yesterday))
		b.quote("WDAY", "130", "USD", at("20:00:00"))
		b.record(p, fmt.Sprintf(`"kind":"WITHDRAWAL","date":%q,"amount":"50","currency":"USD"`, yesterday)) // counts at 24:00
		got := b.moments(p, yesterday, time.UTC)
		require.Len(t, got, 288)
		expect(t, got, map[string]string{
			"00:05": "stale 1040 440 600", "10:00": "stale 1040 440 600",
			"10:05": "priced 1084 484 600", // 4 × 121
			"10:10": "priced 1088 488 600", "10:15": "stale 1088 488 600", "12:25": "stale 1088 488 600",
			"12:30": "stale 1087 366 721", // 3 × 122, and 123 − 2
			"20:00": "priced 1111 390 721", "23:55": "stale 1111 390 721",
			"24:00": "stale 1061 390 671",
		})
		// The last moment is the close of the day, whose value has no samples.
		var closes struct{ Items []struct{ Total string } }
		b.api(b.key, http.MethodGet, fmt.Sprintf("%s/history?from=%s&to=%s", p, yesterday-1, yesterday), "", http.StatusOK,
			&closes)
		require.Len(t, closes.Items, 2)
		assert.Equal(t, []string{"1040", "1061"}, []string{closes.Items[0].Total, closes.Items[1].Total})

		var prices struct {
			Items []struct{ Date, Price, Currency, Time string }
		}
		b.api(b.key, http.MethodGet, fmt.Sprintf("/v1/quotes/WDAY/history?from=%s&to=%s", yesterday-30, today), "",
			http.StatusOK, &prices)
		require.Len(t, prices.Items, 2)
		assert.Equal(t, []string{(yesterday - 1).String(), "110", "USD"},
			[]string{prices.Items[0].Date, prices.Items[0].Price, prices.Items[0].Currency})
		assert.Equal(t, []string{yesterday.String(), "130", at("20:00:00").Format(time.RFC3339)},
			[]string{prices.Items[1].Date, prices.Items[1].Price, prices.Items[1].Time})
	})
	t.Run("a rate, a split and what is missing", func(t *testing.T) {
		p := b.portfolio("EUR", `,"track_cash":false`)
		b.record(p, fmt.Sprintf(`"kind":"BUY","date":%q,"symbol":"WSPL","quantity":"10","price":"30","currency":"BBD"`, today-9))
		b.quote("WSPL", "40", "BBD", at("08:00:00"))
		b.quote("BBD/EUR", "0.5", "", at("09:00:00"))
		b.quote("BBD/EUR", "0.45", "", at("11:02:00"))
		b.record(p, fmt.Sprintf(`"kind":"SPLIT","date":%q,"time":"14:00","symbol":"WSPL","ratio":{"new":3,"old":2}`, yesterday))
		b.quote("WSPL", "28", "BBD", at("14:12:00"))
		expect(t, b.moments(p, yesterday, time.UTC), map[string]string{
			"07:55": "no_rate null null 0", "08:55": "no_rate null null 0",
			"09:00": "stale 200 200 0", // 10 × 40 × 0.5
			"11:00": "stale 200 200 0", "11:05": "stale 180 180 0",
			"13:55": "stale 180 180 0", "14:00": "stale 180 180 0", // 15 × 40 × 2/3
			"14:15": "stale 189 189 0", // 15 × 28 × 0.45
		})
		b.record(p, fmt.Sprintf(`"kind":"TRANSFER_IN","date":%q,"time":"16:00","symbol":"WNONE","quantity":"1","amount":"7","currency":"EUR"`, yesterday))
		expect(t, b.moments(p, yesterday, time.UTC), map[string]string{
			"15:55": "stale 189 189 0", "16:00": "no_price null null 0",
		})
	})
	t.Run("in Sydney", func(t *testing.T) {
		sydney, err := time.LoadLocation("Australia/Sydney")
		require.NoError(t, err)
		d := backend.DateIn(time.Now(), sydney) - 1
		local := func(hour, minute int) time.Time {
			year, month, day := d.Midnight().Date()
			return time.Date(year, month, day, hour, minute, 0, 0, sydney)
		}
		p := b.portfolio("USD", `,"track_cash":false,"time_zone":"Australia/Sydney"`)
		b.record(p, fmt.Sprintf(`"kind":"BUY","date":%q,"symbol":"WSYD","quantity":"2","price":"10","currency":"USD"`, d-5))
		b.quote("WSYD", "11", "USD", local(0, 0).Add(-time.Minute)) // of the day before, which is the same day in UTC
		b.quote("WSYD", "12", "USD", local(10, 0))
		b.record(p, fmt.Sprintf(`"kind":"BUY","date":%q,"time":"15:00","symbol":"WSYD","quantity":"1","price":"13","currency":"USD"`, d))
		b.quote("WSYD", "14", "USD", local(16, 10))
		got := b.moments(p, d, sydney)
		require.Contains(t, got, "24:00")
		expect(t, got, map[string]string{
			"00:05": "stale 22 22 0", "09:55": "stale 22 22 0", "10:00": "priced 24 24 0", "14:55": "stale 24 24 0",
			"15:00": "stale 36 36 0", "16:10": "priced 42 42 0", "24:00": "stale 42 42 0",
		})
	})
	t.Run("days that are not kept", func(t *testing.T) {
		p := b.portfolio("USD", "")
		for query, status := range map[string]int{
			fmt.Sprintf("from=%[1]s&to=%[1]s", today):      http.StatusOK,
			fmt.Sprintf("from=%[1]s&to=%[1]s", today-2):    http.StatusBadRequest,
			fmt.Sprintf("from=%s&to=%s", yesterday, today): http.StatusBadRequest,
			fmt.Sprintf("from=%[1]s&to=%[1]s", today+1):    http.StatusBadRequest,
			fmt.Sprintf("from=inception&to=%s", today):     http.StatusBadRequest,
		} {
			b.api(b.key, http.MethodGet, p+"/history?interval=5m&"+query, "", status, &struct{}{})
		}
	})
}
