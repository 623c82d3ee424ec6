package layout

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"portfolio/backend"

	"github.com/shopspring/decimal"
)

// reader collects the rows of a file. A layout reads its document twice: first
// to survey how the file writes numbers and dates, then with what that showed.
type reader struct {
	decimal         byte           // '.' or ','; 0 if not known
	order           order          // of dates
	zone, portfolio *time.Location // zone is that of the file, nil if not known
	mapping         *Mapping
	survey          *survey // nil the second time

	rows      []Row
	ignored   []string
	questions []Question
	tooMany   bool
}

// survey is what a file shows about how it writes numbers and dates.
type survey struct {
	decimals  map[byte]bool  // the decimal separators that numbers prove
	orders    map[order]bool // likewise
	number    string         // the first ambiguous number
	date      string         // the first ambiguous date
	separator string         // in that date
	moment    string         // the first time that is on another day if the file's zone is UTC
}

func newReader(o Options) (*reader, error) {
	in := &reader{zone: o.TimeZone, portfolio: o.Portfolio, mapping: o.Mapping}
	if in.portfolio == nil {
		in.portfolio = time.UTC
	} else if in.portfolio.String() == "UTC" {
		in.portfolio = time.UTC
	}
	if m := o.Mapping; m != nil {
		if o.Layout != "" {
			return nil, &backend.FieldError{Path: "layout",
				Got: fmt.Sprintf("%.40q and a mapping", o.Layout), Want: "one of the two"}
		}
		if err := m.Validate(); err != nil {
			return nil, err
		}
		o.Decimal, o.DateFormat = cmp.Or(o.Decimal, m.Decimal), cmp.Or(o.DateFormat, m.DateFormat)
	}
	if o.Decimal != "" {
		if err := checkDecimal(o.Decimal); err != nil {
			return nil, err
		}
		in.decimal = o.Decimal[0]
	}
	if o.DateFormat != "" {
		order, err := parseDateFormat(o.DateFormat)
		if err != nil {
			return nil, err
		}
		in.order = order
	}
	return in, nil
}

func checkDecimal(text string) error {
	if text == "." || text == "," {
		return nil
	}
	return &backend.FieldError{Path: "decimal", Got: fmt.Sprintf("%.8q", text), Want: `"." or ","`}
}

// certain reports whether nothing in a file can be ambiguous.
func (in *reader) certain() bool {
	return in.decimal != 0 && in.order != anyOrder && (in.zone != nil || in.portfolio == time.UTC)
}

// conclude ends the survey: what the file proves is used from here on, and what
// it leaves open becomes a question.
func (in *reader) conclude() {
	s := in.survey
	in.survey, in.rows, in.ignored = nil, nil, nil
	if len(s.decimals) == 1 && in.decimal == 0 {
		for separator := range s.decimals {
			in.decimal = separator
		}
	}
	if s.number != "" && in.decimal == 0 {
		in.questions = append(in.questions, decimalQuestion(s.number))
	}
	if len(s.orders) == 1 && in.order == anyOrder {
		for order := range s.orders {
			in.order = order
		}
	}
	if s.date != "" && in.order == anyOrder {
		in.questions = append(in.questions, dateQuestion(s.date, s.separator))
	}
	if s.moment != "" && in.zone == nil {
		in.questions = append(in.questions, in.zoneQuestion(s.moment))
	}
}

func (in *reader) result(layout string) Result {
	r := Result{Layout: layout, Ignored: in.ignored, Questions: in.questions, Rows: in.rows}
	if r.Ignored == nil {
		r.Ignored = []string{}
	}
	if r.Questions == nil {
		r.Questions = []Question{}
	}
	for i := range r.Rows {
		if r.Rows[i].Transactions == nil {
			r.Rows[i].Transactions = []Transaction{}
		}
		if r.Rows[i].Problems == nil {
			r.Rows[i].Problems = []Problem{}
		}
	}
	slices.SortStableFunc(r.Rows, func(a, b Row) int { return cmp.Compare(a.Row, b.Row) })
	return r
}

// add keeps a row. It reports false if the file has too many.
func (in *reader) add(r Row) bool {
	if len(in.rows) == MaxRows {
		in.tooMany = true
		return false
	}
	in.rows = append(in.rows, r)
	return true
}

// number reads a number. The want is "" if it could be read.
func (in *reader) number(text string) (d decimal.Decimal, want string) {
	digits, negative, ok := splitNumber(text)
	if !ok {
		return d, "a number such as 12" + string(cmp.Or(in.decimal, '.')) + "50"
	}
	own := separatorsOf(digits)
	separator := in.decimal
	switch {
	case separator != 0: // known
	case own.ambiguous && in.survey == nil:
		return d, "an answer to the question about decimal"
	default:
		separator = cmp.Or(own.decimal, '.')
	}
	if s := in.survey; s != nil && own.decimal != 0 {
		if s.decimals == nil {
			s.decimals = map[byte]bool{}
		}
		s.decimals[own.decimal] = true
	} else if s != nil && own.ambiguous && s.number == "" {
		s.number = text
	}
	if d, ok = parseDigits(digits, separator); !ok {
		return d, "a number such as 1" + string(other(separator)) + "234" + string(separator) + "50"
	}
	if negative {
		d = d.Neg()
	}
	return d, ""
}

func other(separator byte) byte {
	if separator == '.' {
		return ','
	}
	return '.'
}

// moment reads a date and the time of day after it, if there is one, in the
// portfolio's zone. The want is "" if they could be read.
func (in *reader) moment(text string) (day backend.Date, at backend.Clock, want string) {
	const form = "a date such as 2026-02-28"
	text = strings.TrimSpace(text)
	c, rest, ok := splitDate(text)
	if !ok {
		return 0, 0, form
	}
	order := in.order
	if order == anyOrder {
		order = c.proves()
	}
	if in.survey != nil {
		in.survey.seeDate(c, text)
	} else if order == anyOrder && c.ambiguous() {
		return 0, 0, "an answer to the question about date_format"
	}
	if order == anyOrder {
		order = dayFirst // day and month are the same number
	}
	if day, ok = c.day(order); !ok {
		if in.order == monthFirst {
			return 0, 0, "a date such as 02/28/2026"
		}
		return 0, 0, form
	}
	return in.clock(day, text, rest)
}

// clock reads the time of day after a date.
func (in *reader) clock(day backend.Date, text, rest string) (backend.Date, backend.Clock, string) {
	c, there, ok := parseClock(rest)
	switch {
	case !ok:
		return 0, 0, "a date with a time such as 2026-02-28 14:30"
	case !there, c == clock{}, c.offset != nil && c.hour == 0 && c.minute == 0 && c.second == 0:
		return day, 0, "" // programs write a day without a time as its midnight
	case c.offset != nil:
		day, at := c.in(day, c.offset, in.portfolio)
		return day, at, ""
	case in.zone != nil:
		day, at := c.in(day, in.zone, in.portfolio)
		return day, at, ""
	}
	if elsewhere, _ := c.in(day, time.UTC, in.portfolio); elsewhere != day {
		if in.survey == nil {
			return 0, 0, "an answer to the question about time_zone"
		}
		in.survey.moment = cmp.Or(in.survey.moment, text)
	}
	return day, c.ofDay(), ""
}

func (s *survey) seeDate(c calendar, text string) {
	switch proved := c.proves(); {
	case c.fixed != anyOrder: // says nothing about other dates
	case proved != anyOrder:
		if s.orders == nil {
			s.orders = map[order]bool{}
		}
		s.orders[proved] = true
	case c.ambiguous() && s.date == "":
		s.date, s.separator = text, c.separator
	}
}
