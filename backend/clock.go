package backend

import (
	"fmt"
	"time"
)

// Clock is a time of day in a portfolio's time zone, in seconds since midnight
// plus one. The zero value means no time.
type Clock int32

const (
	midnight  Clock = 1
	endOfDay  Clock = 24*60*60 + 1
	clockForm       = "a time of day such as 09:30 or 09:30:15"
)

// ParseClock reads a time of day as HH:MM or HH:MM:SS.
func ParseClock(text string) (Clock, error) {
	for _, layout := range []string{"15:04:05", "15:04"} {
		if t, err := time.Parse(layout, text); err == nil && len(text) == len(layout) {
			return Clock(t.Hour()*3600+t.Minute()*60+t.Second()) + 1, nil //nolint:gosec // less than a day
		}
	}
	return 0, &FieldError{Path: "time", Got: fmt.Sprintf("%.16q", text), Want: clockForm}
}

// String returns the time of day as HH:MM, with :SS unless the seconds are
// zero; "" for the zero value.
func (c Clock) String() string {
	if c == 0 {
		return ""
	}
	s := int(c - 1)
	if s%60 == 0 {
		return fmt.Sprintf("%02d:%02d", s/3600, s/60%60)
	}
	return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
}

// MarshalText writes the time of day as String does.
func (c Clock) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what ParseClock reads.
func (c *Clock) UnmarshalText(text []byte) (err error) {
	*c, err = ParseClock(string(text))
	return err
}
