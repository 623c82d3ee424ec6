package layout

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"portfolio/backend"
)

// order is how a date orders its day and its month.
type order int

const (
	anyOrder   order = iota // not known
	dayFirst                // 28/02/2026
	monthFirst              // 02/28/2026
)

var (
	yearFirst = regexp.MustCompile(`^(\d{4})([-/.])(\d{1,2})([-/.])(\d{1,2})`)
	compact   = regexp.MustCompile(`^(\d{4})(\d{2})(\d{2})(?:\D|$)`)
	yearLast  = regexp.MustCompile(`^(\d{1,2})([-/.])(\d{1,2})([-/.])(\d{4}|\d{2})(?:\D|$)`)
	named     = regexp.MustCompile(`^(\d{1,2})[. -]+(\pL{3,10})[.]?[ -]+(\d{4})`)
	namedUS   = regexp.MustCompile(`^(\pL{3,10})[.]? (\d{1,2}),? (\d{4})`)
	clockForm = regexp.MustCompile(
		`^(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)? ?([AaPp]\.?[Mm]\.?)? ?(Z|[+-]\d{2}:?\d{2}|[A-Z]{3,4})?$`)
	compactClock = regexp.MustCompile(`^(\d{2})(\d{2})(\d{2})()( ?[A-Z]{3,4})?$`)
)

// months are the first three letters of the months' names in the languages that
// files come in.
var months = map[string]time.Month{
	"jan": 1, "ene": 1, "gen": 1, "feb": 2, "fév": 2, "fev": 2, "mar": 3, "mär": 3, "mrt": 3,
	"apr": 4, "avr": 4, "abr": 4,
	"may": 5, "mai": 5, "mei": 5, "maj": 5, "mag": 5, "jun": 6, "giu": 6, "jul": 7, "lug": 7,
	"aug": 8, "aoû": 8, "ago": 8,
	"sep": 9, "set": 9, "oct": 10, "okt": 10, "out": 10, "ott": 10, "nov": 11, "dec": 12,
	"dez": 12, "déc": 12, "dic": 12,
}

// zones are the abbreviations of time zones that files use, in seconds east of
// UTC. Those that name more than one zone, such as IST, are not among them.
var zones = map[string]int{
	"Z": 0, "UTC": 0, "GMT": 0, "WET": 0, "BST": 3600, "WEST": 3600, "CET": 3600, "CEST": 7200,
	"EET": 7200, "EEST": 10800,
	"EST": -18000, "EDT": -14400, "CDT": -18000, "MST": -25200, "MDT": -21600, "PST": -28800, "PDT": -25200,
	"JST": 32400, "HKT": 28800, "SGT": 28800, "AEST": 36000, "AEDT": 39600,
}

// calendar is a date as it is written: first and second are day and month, or
// month and day.
type calendar struct {
	year, first, second int
	separator           string
	fixed               order // the order that the form of the text says, such as 2026-02-28
}

// proves returns the order that the numbers leave possible, anyOrder for both.
func (c calendar) proves() order {
	switch {
	case c.fixed != anyOrder:
		return c.fixed
	case c.first > 12:
		return dayFirst
	case c.second > 12:
		return monthFirst
	}
	return anyOrder
}

// ambiguous reports whether the date is another one in each order.
func (c calendar) ambiguous() bool { return c.proves() == anyOrder && c.first != c.second }

// splitDate separates the date at the start of a text from the time after it.
func splitDate(text string) (c calendar, rest string, ok bool) {
	number := func(s string) int { n, _ := strconv.Atoi(s); return n } // the expressions match digits only
	if m := yearFirst.FindStringSubmatch(text); m != nil {
		return calendar{number(m[1]), number(m[3]), number(m[5]), m[2], monthFirst}, text[len(m[0]):], m[2] == m[4]
	}
	if m := compact.FindStringSubmatch(text); m != nil {
		return calendar{number(m[1]), number(m[2]), number(m[3]), "", monthFirst}, text[8:], true
	}
	if m := yearLast.FindStringSubmatch(text); m != nil {
		c = calendar{number(m[5]), number(m[1]), number(m[3]), m[2], anyOrder}
		if c.year < 100 {
			c.year += 2000
		}
		if c.separator == "." {
			c.fixed = dayFirst // no country writes the month first with dots
		}
		end := len(m[1]) + len(m[2]) + len(m[3]) + len(m[4]) + len(m[5])
		return c, text[end:], m[2] == m[4]
	}
	if m := named.FindStringSubmatch(text); m != nil {
		return calendar{number(m[3]), number(m[1]), int(monthNamed(m[2])), " ", dayFirst}, text[len(m[0]):], true
	}
	if m := namedUS.FindStringSubmatch(text); m != nil {
		return calendar{number(m[3]), int(monthNamed(m[1])), number(m[2]), " ", monthFirst}, text[len(m[0]):], true
	}
	return c, text, false
}

func monthNamed(name string) time.Month {
	runes := []rune(strings.ToLower(name))
	return months[string(runes[:3])]
}

// day returns the date in an order, which that of the text's form overrides.
func (c calendar) day(o order) (backend.Date, bool) {
	if c.fixed != anyOrder {
		o = c.fixed
	}
	day, month := c.first, c.second
	if o == monthFirst {
		day, month = month, day
	}
	t := time.Date(c.year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if t.Day() != day || int(t.Month()) != month || c.year < 1 {
		return 0, false
	}
	return backend.DateOf(t), true
}

// clock is a time of day as a file writes it.
type clock struct {
	hour, minute, second int
	offset               *time.Location // nil if the text names none
}

// parseClock reads the time after a date; a text without one is ok as well.
func parseClock(text string) (c clock, there, ok bool) {
	text = strings.TrimLeft(text, " T;,\u00a0")
	if text == "" {
		return clock{}, false, true
	}
	m := clockForm.FindStringSubmatch(text)
	if m == nil {
		m = compactClock.FindStringSubmatch(text)
	}
	if m == nil {
		return clock{}, false, false
	}
	c.hour, _ = strconv.Atoi(m[1])
	c.minute, _ = strconv.Atoi(m[2])
	c.second, _ = strconv.Atoi(m[3]) // none is 0
	if half := strings.ToLower(m[4]); half != "" {
		if c.hour < 1 || c.hour > 12 {
			return clock{}, false, false
		}
		c.hour %= 12
		if half[0] == 'p' {
			c.hour += 12
		}
	}
	if zone := strings.TrimSpace(m[5]); zone != "" {
		seconds, found := zones[zone]
		if !found {
			at, err := time.Parse("-0700", strings.ReplaceAll(zone, ":", ""))
			if err != nil {
				return clock{}, false, false
			}
			_, seconds = at.Zone()
		}
		c.offset = time.FixedZone(zone, seconds)
	}
	return c, true, c.hour < 24 && c.minute < 60 && c.second < 60
}

// in returns the date and the time of day in the portfolio's zone of a moment
// that was written in another.
func (c clock) in(day backend.Date, written, portfolio *time.Location) (backend.Date, backend.Clock) {
	midnight := day.Midnight()
	at := time.Date(midnight.Year(), midnight.Month(), midnight.Day(), c.hour, c.minute, c.second,
		0, written).In(portfolio)
	return backend.NewDate(at.Date()), clock{hour: at.Hour(), minute: at.Minute(), second: at.Second()}.ofDay()
}

// ofDay returns the time of day as transactions have it.
func (c clock) ofDay() backend.Clock {
	at, _ := backend.ParseClock(fmt.Sprintf("%02d:%02d:%02d", c.hour, c.minute, c.second)) // parseClock checked it
	return at
}

var dateTokens = regexp.MustCompile(`^(YYYY|YY|MMM|MM|M|DD|D)([-/. ]?)(YYYY|YY|MMM|MM|M|DD|D)([-/. ,]*)(YYYY|YY|MMM|MM|M|DD|D)([ T;,].*)?$`)

// parseDateFormat returns the order of a format such as "DD/MM/YYYY".
func parseDateFormat(format string) (order, error) {
	wrong := &backend.FieldError{
		Path: "date_format", Got: fmt.Sprintf("%.40q", format),
		Want: "DD/MM/YYYY, MM/DD/YYYY, YYYY-MM-DD, DD.MM.YYYY or YYYYMMDD",
	}
	m := dateTokens.FindStringSubmatch(strings.ToUpper(format))
	if m == nil {
		return anyOrder, wrong
	}
	switch parts := m[1][:1] + m[3][:1] + m[5][:1]; parts {
	case "DMY":
		return dayFirst, nil
	case "MDY", "YMD":
		return monthFirst, nil
	}
	return anyOrder, wrong
}
