package backend

import (
	"fmt"
	"time"
)

// Date is a day in the calendar, without a time zone: the number of days since
// 0000-12-31, so that dates compare and subtract as integers do. The zero value
// means no date.
type Date int32

const (
	secondsPerDay = 24 * 60 * 60
	unixEpochDate = 719_163 // 1970-01-01
)

// NewDate returns the date of a year, a month and a day, normalized as by time.Date.
func NewDate(year int, month time.Month, day int) Date {
	midnight := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	return Date(midnight.Unix()/secondsPerDay + unixEpochDate) //nolint:gosec // years fit easily
}

// DateOf returns the date of a moment in UTC.
func DateOf(t time.Time) Date {
	return NewDate(t.UTC().Date())
}

// DateIn returns the date of a moment in a time zone, nil for UTC.
func DateIn(t time.Time, zone *time.Location) Date {
	if zone == nil {
		return DateOf(t)
	}
	return NewDate(t.In(zone).Date())
}

// ParseDate reads a date as ISO 8601 writes it, such as "2026-02-28".
func ParseDate(text string) (Date, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil || t.Year() < 1 {
		return 0, fmt.Errorf("date: got %.16q, want a day such as 2026-02-28", text)
	}
	return DateOf(t), nil
}

// Midnight returns when the date begins in UTC.
func (d Date) Midnight() time.Time {
	return time.Unix((int64(d)-unixEpochDate)*secondsPerDay, 0).UTC()
}

// String writes the date as ISO 8601 does; the zero value is "".
func (d Date) String() string {
	if d == 0 {
		return ""
	}
	return d.Midnight().Format(time.DateOnly)
}

// MarshalText writes the date as String does.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what ParseDate reads; "" means no date.
func (d *Date) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = 0
		return nil
	}
	parsed, err := ParseDate(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// MinDate is the earliest date of a transaction.
var MinDate = NewDate(1900, time.January, 1)

// ValidateRange reports a date that a transaction cannot have: one before MinDate or more
// than a year after the portfolio's today. Path names the date. The zero value is accepted.
func (d Date) ValidateRange(path string, today Date) error {
	year, month, day := today.Midnight().Date()
	last := NewDate(year+1, month, day)
	if d == 0 || d >= MinDate && d <= last {
		return nil
	}
	return &FieldError{Path: path, Got: d.String(), Want: fmt.Sprintf("a day from %s to %s", MinDate, last)}
}
