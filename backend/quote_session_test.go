package backend

import (
	"testing"
	"time"
)

// A price is stale by its source's calendar: after FreshUntil, or a minute if its
// source does not set that. The close of a past day is not stale.
func TestSession(t *testing.T) {
	at := func(text string) time.Time { return convertedAt(t, text) }
	day := func(text string) session {
		d, err := ParseDate(text)
		if err != nil {
			t.Fatal(err)
		}
		return closeOf(d, time.UTC)
	}
	friday, monday := at("2026-03-06T21:00:00Z"), at("2026-03-10T00:30:00Z")
	for _, c := range []struct {
		name   string
		s      session
		priced time.Time
		fresh  time.Time
		want   bool
	}{
		{"a live price", session{at: friday.Add(time.Minute)}, friday, time.Time{}, false},
		{"an old live price", session{at: friday.Add(time.Minute + 1)}, friday, time.Time{}, true},
		{"a close at the weekend", session{at: friday.AddDate(0, 0, 2)}, friday, monday, false},
		{"a close until the grace has passed", session{at: monday}, friday, monday, false},
		{"a close whose successor is missing", session{at: monday.Add(1)}, friday, monday, true},
		{"the close of a past day, by a live price", day("2026-03-06"), friday, time.Time{}, false},
		{"the close of a past Saturday", day("2026-03-07"), friday, time.Time{}, false},
		{"the close of a past Sunday", day("2026-03-08"), friday, time.Time{}, false},
		{"the close of a past Monday without a price", day("2026-03-09"), friday, time.Time{}, true},
		{"the close of a past holiday", day("2026-03-09"), friday, monday, false},
		{"a close that was missing on a past day", day("2026-03-10"), friday, monday, true},
	} {
		q := Quote{Time: c.priced, FreshUntil: c.fresh}
		if got := c.s.stale(q.Time, q.StaleFrom()); got != c.want {
			t.Errorf("%s: stale = %t, want %t", c.name, got, c.want)
		}
	}
	if s := sessionAt(CloseIn(DateOf(friday), time.UTC), time.UTC); s.open.IsZero() {
		t.Error("sessionAt(the close of a day) is not a close")
	}
	if s := sessionAt(friday, time.UTC); !s.open.IsZero() {
		t.Error("sessionAt(a time within a day) is a close")
	}
}
