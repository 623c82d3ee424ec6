package backend

import (
	"encoding/json"
	"testing"
	"time"
)

// day parses a date in a test.
func day(t testing.TB, text string) Date {
	t.Helper()
	d, err := ParseDate(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDateCountsDays(t *testing.T) {
	for text, want := range map[string]Date{
		"0001-01-01": 1, "1969-12-31": unixEpochDate - 1, "1970-01-01": unixEpochDate,
	} {
		if got := day(t, text); got != want || got.String() != text {
			t.Errorf("ParseDate(%q) = %d (%s), want %d", text, got, got, want)
		}
	}
	if got := day(t, "2024-03-01") - day(t, "2024-02-28"); got != 2 {
		t.Errorf("days across a leap day = %d, want 2", got)
	}
	for _, text := range []string{"2026-02-29", "2026-2-3", "0000-12-31", "today", "2026-02-03T00:00:00Z"} {
		if got, err := ParseDate(text); err == nil {
			t.Errorf("ParseDate(%q) = %s, want an error", text, got)
		}
	}
}

func TestDateOfIsInUTC(t *testing.T) {
	late := time.Date(2026, 5, 1, 23, 30, 0, 0, time.FixedZone("", -3600))
	if got, want := DateOf(late), day(t, "2026-05-02"); got != want {
		t.Errorf("DateOf(%s) = %s, want %s", late, got, want)
	}
}

func TestDateJSON(t *testing.T) {
	for _, text := range []string{`"2026-02-28"`, `""`} {
		var d Date
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(d); err != nil || string(got) != text {
			t.Errorf("json.Marshal(%s) = %s, %v", text, got, err)
		}
	}
}
