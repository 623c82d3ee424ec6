package backend

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"
)

// intraday returns the values of a day by their times.
func intraday(t testing.TB, tracker *Tracker, d Date) map[time.Time]string {
	t.Helper()
	list, err := tracker.Intraday(t.Context(), "alice", "p", d)
	if err != nil {
		t.Fatal(err)
	}
	values := map[time.Time]string{}
	for _, v := range list {
		values[v.Time] = fmt.Sprint(v.State, " ", v.Total.Decimal)
		if !v.Total.Valid {
			values[v.Time] = string(v.State)
		}
	}
	return values
}

// Today has the slots that are over, yesterday all of them, and no other day has any.
func TestIntradayDays(t *testing.T) {
	now := time.Date(2026, 3, 5, 12, 4, 59, 0, time.UTC)
	tracker, s, _ := tracked(t, now, money(t, Deposit, "2026-03-01", "5", "0"))
	for _, test := range []struct {
		zone  string
		day   Date
		first string
		n     int
	}{
		{"UTC", day(t, "2026-03-05"), "2026-03-05T00:05:00Z", 144},
		{"UTC", day(t, "2026-03-04"), "2026-03-04T00:05:00Z", 288},
		{"Australia/Sydney", day(t, "2026-03-05"), "2026-03-04T13:05:00Z", 23*12 + 0},
		{"Asia/Kathmandu", day(t, "2026-03-05"), "2026-03-04T18:20:00Z", 17*12 + 9},
	} {
		s.portfolio.TimeZone = test.zone
		s.portfolio.Version++
		list, err := tracker.Intraday(t.Context(), "alice", "p", test.day)
		if err != nil || len(list) != test.n || list[0].Time.Format(time.RFC3339) != test.first {
			t.Errorf("Intraday(%s in %s) = %d values from %v, %v, want %d from %s", test.day, test.zone, len(list),
				list[0].Time, err, test.n, test.first)
		}
		last := list[len(list)-1]
		if want := now.Truncate(SlotLength); test.day == DateIn(now, s.portfolio.Location()) && !last.Time.Equal(want) {
			t.Errorf("the last value is of %s, want %s", last.Time, want)
		}
		known(t, "total", last.Total, "5")
	}
	for _, d := range []string{"2026-03-03", "2026-03-06"} {
		if _, err := tracker.Intraday(t.Context(), "alice", "p", day(t, d)); code(err) != CodeInvalidRequest {
			t.Errorf("Intraday(%s) = %v, want %s", d, err, CodeInvalidRequest)
		}
	}
	if _, err := tracker.Intraday(t.Context(), "bob", "p", day(t, "2026-03-05")); code(err) != CodeNotFound {
		t.Errorf("Intraday() of another owner = %v, want %s", err, CodeNotFound)
	}
}

// Days on which clocks change have an hour less or more.
func TestSlotsOfDaysOnWhichClocksChange(t *testing.T) {
	for _, test := range []struct {
		day, zone string
		hours     int
	}{
		{"2026-03-29", "Europe/Berlin", 23}, {"2026-10-25", "Europe/Berlin", 25}, {"2026-10-26", "Europe/Berlin", 24},
		{"2026-04-05", "Australia/Sydney", 25},
	} {
		zone, err := time.LoadLocation(test.zone)
		if err != nil {
			t.Fatal(err)
		}
		d := day(t, test.day)
		ends := slotEnds(d, zone, d.Midnight().AddDate(0, 0, 3))
		if len(ends) != test.hours*12 || !ends[len(ends)-1].Equal(CloseIn(d, zone).Add(1)) {
			t.Errorf("slotEnds(%s, %s) = %d up to %s, want %d", test.day, test.zone, len(ends), ends[len(ends)-1],
				test.hours*12)
		}
	}
}

func TestSlotEnd(t *testing.T) {
	for at, want := range map[string]string{
		"2026-03-05T12:00:00Z": "2026-03-05T12:00:00Z", "2026-03-05T12:00:00.000001Z": "2026-03-05T12:05:00Z",
		"2026-03-05T12:04:59.999999Z": "2026-03-05T12:05:00Z", "2026-03-05T23:59:00+05:45": "2026-03-05T18:15:00Z",
	} {
		given, err := time.Parse(time.RFC3339Nano, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := SlotEnd(given).Format(time.RFC3339Nano); got != want {
			t.Errorf("SlotEnd(%s) = %s, want %s", at, got, want)
		}
	}
}

// The value at each moment is that of the entries that had taken effect, at the last prices
// up to then, whatever happens on the day.
func TestIntradayAgreesWithValuations(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for round := range 40 {
		name := []string{"UTC", "Australia/Sydney", "America/New_York"}[round%3]
		zone, err := zoneNamed(name)
		if err != nil {
			t.Fatal(err)
		}
		d := day(t, "2026-03-05")
		begins, now := openingIn(d, 0, zone), openingIn(d+1, Clock(r.IntN(20_000)+1), zone)
		txs := anyDay(t, r, d)
		tracker, s, market := tracked(t, now, txs...)
		s.portfolio.TimeZone = name
		s.portfolio.AllowShorts = true
		at := begins.Add(-40 * time.Hour)
		for at.Before(now) {
			at = at.Add(time.Duration(r.IntN(3_000_000)) * time.Millisecond)
			price := randomPrice(r)
			switch r.IntN(4) {
			case 0:
				market.rates = append(market.rates, rate("USD", "EUR", price.Add(decimal.New(1, -2)).String(), at))
			case 1:
				market.quotes = append(market.quotes, quote("BIG", price.String(), "USD", at))
			default:
				market.quotes = append(market.quotes, quote("ACME", price.String(), "EUR", at))
			}
		}
		list, err := tracker.Intraday(t.Context(), "alice", "p", d)
		if err != nil || len(list) != SlotsPerDay {
			t.Fatal(len(list), err)
		}
		for i, got := range list {
			moment := begins.Add(time.Duration(i+1) * SlotLength)
			want := valuedAt(t, s.portfolio, s.txs, market, d, moment)
			if !got.Time.Equal(moment) || asText(t, got.Worth) != asText(t, want) {
				t.Fatalf("round %d: Intraday()[%d] = %s, want %s at %s", round, i, asText(t, got), asText(t, want), moment)
			}
		}
	}
}

// anyDay returns entries of the day before and of a day, some with a time.
func anyDay(t testing.TB, r *rand.Rand, d Date) []Transaction {
	t.Helper()
	txs := []Transaction{buy(t, "2026-03-01", "100", "7", "0"), money(t, Deposit, "2026-03-02", "500", "0")}
	for range r.IntN(8) {
		var tx Transaction
		switch r.IntN(5) {
		case 0:
			tx = split(t, "2026-03-05", Ratio{New: r.Int64N(3) + 1, Old: r.Int64N(3) + 1})
		case 1:
			tx = money(t, Withdrawal, "2026-03-05", fmt.Sprint(r.IntN(90)+1), "0")
		case 2:
			tx = sell(t, "2026-03-05", fmt.Sprint(r.IntN(5)+1), "7.5", "0.1")
		default:
			tx = buy(t, "2026-03-05", fmt.Sprint(r.IntN(9)+1), "3.25", "1")
			if r.IntN(2) == 0 {
				tx.Symbol, tx.Currency = "BIG", "USD"
			}
		}
		if r.IntN(3) > 0 {
			tx.Time = Clock(r.IntN(24*60)*60 + 1)
		}
		tx.Date = d - Date(r.IntN(4)/3)
		txs = append(txs, tx)
	}
	return txs
}

// valuedAt values what was held at a moment of a day by the prices up to then.
func valuedAt(t testing.TB, p Portfolio, txs []Transaction, market *board, d Date, at time.Time) Worth {
	t.Helper()
	clock := endOfDay
	if local := at.In(p.Location()); DateIn(at, p.Location()) == d {
		clock = Clock(local.Hour()*3600+local.Minute()*60) + 1
	}
	ledger := derive(t, p.Policy, slices.DeleteFunc(slices.Clone(txs), func(tx Transaction) bool {
		return tx.Date > d || tx.Date == d && tx.Kind != Split && tx.clock() > clock
	}))
	ledger.zone, ledger.Through = p.Location(), d
	prices := Prices{Quotes: map[string]Quote{}, Rates: map[Pair]Rate{}}
	for _, q := range market.quotes {
		if !q.Time.After(at) {
			prices.Quotes[q.Symbol] = q
		}
	}
	for _, r := range market.rates {
		if !r.Time.After(at) {
			prices.Rates[r.Pair] = r
		}
	}
	v := newValuer(prices, session{at: at}, p.Location())
	v.Valuation = Valuation{AsOf: at, Base: p.Base}
	nought := decimal.NewNullDecimal(decimal.Zero)
	w := Worth{State: StatePriced, Invested: nought, Cash: nought}
	for i := range ledger.Holdings {
		h := &ledger.Holdings[i]
		if h.Quantity.IsZero() {
			continue
		}
		worth, currency, _, state := prices.worth(h, h.Quantity, v.session, d, p.Location())
		amount := decimal.NullDecimal{}
		if state != StateNoPrice {
			amount = v.exchange(worth, currency, p.Base, &state)
		}
		w.Invested, w.State = sum(w.Invested, amount), worse(w.State, state)
	}
	for c, amount := range ledger.Cash {
		state := StatePriced
		if !amount.IsZero() {
			w.Cash = sum(w.Cash, v.exchange(amount, c, p.Base, &state))
		}
		w.State = worse(w.State, state)
	}
	w.Total = sum(w.Invested, w.Cash)
	return w
}

// A split takes effect at its time; before, prices and units are of the old kind or both of
// the new one, so the value is the same.
func TestIntradaySplit(t *testing.T) {
	now := time.Date(2026, 3, 6, 9, 0, 0, 0, time.UTC)
	at := func(clock string) time.Time {
		moment, err := time.Parse("2006-01-02 15:04", "2026-03-05 "+clock)
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	halved := split(t, "2026-03-05", Ratio{New: 2, Old: 1})
	halved.Time = Clock(9*3600 + 30*60 + 1)
	tracker, s, market := tracked(t, now, buy(t, "2026-03-01", "10", "5", "0"), halved)
	s.portfolio.IgnoreCash = true
	market.quotes = []Quote{quote("ACME", "8", "EUR", at("08:00")), quote("ACME", "9", "EUR", at("09:29")),
		quote("ACME", "5", "EUR", at("09:31"))}
	values := intraday(t, tracker, day(t, "2026-03-05"))
	for clock, want := range map[string]string{"07:55": "estimated 50", "08:00": "priced 80", "09:30": "priced 90",
		"09:35": "stale 100", "23:55": "stale 100"} {
		if got := values[at(clock)]; got != want {
			t.Errorf("at %s = %q, want %q", clock, got, want)
		}
	}
}
