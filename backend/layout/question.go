package layout

import (
	"fmt"
	"strings"
	"time"
)

// decimalQuestion asks what the separator in a number means.
func decimalQuestion(sample string) Question {
	q := Question{About: "decimal"}
	for _, separator := range []byte{'.', ','} {
		d, _ := (&reader{decimal: separator}).number(sample)
		q.Choices = append(q.Choices, Choice{string(separator), fmt.Sprintf("%s is %s", sample, d)})
	}
	return q
}

// dateQuestion asks whether the day or the month comes first.
func dateQuestion(sample, separator string) Question {
	q := Question{About: "date_format"}
	for _, format := range []string{"DD/MM/YYYY", "MM/DD/YYYY"} {
		order, _ := parseDateFormat(format) // our own
		c, _, _ := splitDate(sample)
		day, _ := c.day(order)
		q.Choices = append(q.Choices, Choice{
			strings.ReplaceAll(format, "/", separator), fmt.Sprintf("%s is %s", sample, day),
		})
	}
	return q
}

// zoneQuestion asks in which time zone a file writes its times.
func (in *reader) zoneQuestion(sample string) Question {
	q := Question{About: "time_zone"}
	for _, zone := range []*time.Location{time.UTC, in.portfolio} {
		day, at, _ := (&reader{order: in.order, zone: zone, portfolio: in.portfolio}).moment(sample)
		q.Choices = append(q.Choices, Choice{zone.String(),
			fmt.Sprintf("%s is %s %s in the portfolio", sample, day, at)})
	}
	return q
}

// mappingQuestion asks which column holds what, in a file of no known layout.
// The choices are the columns; their readings are the first row.
func mappingQuestion(d *document) Question {
	q := Question{About: "mapping", Choices: []Choice{}}
	i := headerLine(d)
	for column, name := range d.lines[i].cells {
		reading := ""
		if i+1 < len(d.lines) && column < len(d.lines[i+1].cells) {
			reading = d.lines[i+1].cells[column]
		}
		q.Choices = append(q.Choices, Choice{name, fmt.Sprintf("%.80s", reading)})
	}
	return q
}

// headerLine returns the index of the widest of the first lines.
func headerLine(d *document) int {
	best := 0
	for i, l := range d.lines[:min(len(d.lines), headerLines)] {
		if len(l.cells) > len(d.lines[best].cells) {
			best = i
		}
	}
	return best
}
