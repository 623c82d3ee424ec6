package source

import (
	"fmt"
	"sync"
	"time"

	"portfolio/backend"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/aa"
	"github.com/rickar/cal/v2/ecb"
	"github.com/rickar/cal/v2/gb"
	"github.com/rickar/cal/v2/jp"
	"github.com/rickar/cal/v2/us"
)

const (
	// liveFor is how long a price of an open market counts as the newest.
	liveFor = time.Minute
	// closeGrace is how long after a close its price may come.
	closeGrace = 4 * time.Hour
	// publicationGrace is how late the ECB may publish.
	publicationGrace = 2 * time.Hour
)

// Calendar says on which days a market trades, or a rate is published, and when.
type Calendar struct {
	zone        *time.Location
	open, close int // minutes since midnight
	days        *cal.BusinessCalendar
	trading     sync.Map // of backend.Date to bool: computing holidays takes microseconds each
	grace       time.Duration
}

func calendar(zone string, open, closing int, grace time.Duration, holidays ...*cal.Holiday) *Calendar {
	location, err := time.LoadLocation(zone)
	if err != nil {
		panic(fmt.Sprintf("time zone %s: %v", zone, err)) // a name of our own
	}
	days := cal.NewBusinessCalendar()
	days.AddHoliday(holidays...)
	return &Calendar{zone: location, open: open, close: closing, days: days, grace: grace}
}

// TARGET is when the ECB publishes its reference rates: about 16:00 in Frankfurt
// on the days of the TARGET system.
var TARGET = calendar("Europe/Berlin", 16*60, 16*60, publicationGrace, ecb.Holidays...)

// The holidays of markets, where they are not those of the country's banks.
var (
	newYork = []*cal.Holiday{
		us.NewYear, us.MlkDay, us.PresidentsDay, aa.GoodFriday, us.MemorialDay, us.Juneteenth, us.IndependenceDay,
		us.LaborDay, us.ThanksgivingDay, us.ChristmasDay,
	}
	frankfurt = append([]*cal.Holiday{
		lastWorkday("Christmas Eve", time.December, 24), lastWorkday("New Year's Eve", time.December, 31),
	}, ecb.Holidays...)
)

// lastWorkday is a day on which a market stays closed without a public holiday.
func lastWorkday(name string, month time.Month, day int) *cal.Holiday {
	return &cal.Holiday{Name: name, Month: month, Day: day, Func: cal.CalcDayOfMonth}
}

// markets are calendars by MIC. For a market that is not listed, only weekends are known.
var markets = func() map[string]*Calendar {
	american := calendar("America/New_York", 9*60+30, 16*60, closeGrace, newYork...)
	euronext := func(zone string) *Calendar { return calendar(zone, 9*60, 17*60+30, closeGrace, ecb.Holidays...) }
	return map[string]*Calendar{
		"XNYS": american, "XNAS": american, "XNGS": american, "XNCM": american,
		"XNMS": american, "ARCX": american, "BATS": american, "XASE": american,
		"XLON": calendar("Europe/London", 8*60, 16*60+30, closeGrace, gb.Holidays...),
		"XETR": calendar("Europe/Berlin", 9*60, 17*60+30, closeGrace, frankfurt...),
		"XFRA": calendar("Europe/Berlin", 8*60, 22*60, closeGrace, frankfurt...),
		"XPAR": euronext("Europe/Paris"), "XAMS": euronext("Europe/Amsterdam"), "XBRU": euronext("Europe/Brussels"),
		"XLIS": euronext("Europe/Lisbon"), "XMIL": euronext("Europe/Rome"), "XMAD": euronext("Europe/Madrid"),
		"XTKS": calendar("Asia/Tokyo", 9*60, 15*60+30, closeGrace, jp.Holidays...),
	}
}()

// anyMarket is a market of which only weekends are known. Its close is late enough for
// every market on earth, and its grace covers a holiday.
var anyMarket = calendar("UTC", 0, 22*60, closeGrace+24*time.Hour)

// MarketOf returns the calendar of a market.
func MarketOf(mic string) *Calendar {
	if c, found := markets[mic]; found {
		return c
	}
	return anyMarket
}

// Trading reports whether a day is one of the calendar's.
func (c *Calendar) Trading(d backend.Date) bool {
	if known, found := c.trading.Load(d); found {
		return known.(bool)
	}
	open := c.days.IsWorkday(d.Midnight().Add(12 * time.Hour))
	c.trading.Store(d, open)
	return open
}

// CloseOf is when a day's close is, or its publication.
func (c *Calendar) CloseOf(d backend.Date) time.Time { return c.at(d, c.close) }

func (c *Calendar) at(d backend.Date, minutes int) time.Time {
	midnight := d.Midnight()
	return time.Date(midnight.Year(), midnight.Month(), midnight.Day(), minutes/60, minutes%60, 0, 0, c.zone)
}

// Open reports whether the market trades at a time.
func (c *Calendar) Open(at time.Time) bool {
	d := c.dayOf(at)
	return c.Trading(d) && !at.Before(c.at(d, c.open)) && at.Before(c.CloseOf(d))
}

// LastClose returns the last day whose close is not after a time.
func (c *Calendar) LastClose(at time.Time) backend.Date {
	d := c.dayOf(at)
	for !c.Trading(d) || c.CloseOf(d).After(at) {
		d--
	}
	return d
}

// Next returns the first day of the calendar after a day.
func (c *Calendar) Next(d backend.Date) backend.Date {
	for d++; !c.Trading(d); d++ {
	}
	return d
}

// FreshUntil is until when the price of a day's close is the newest that can be
// expected: the next day's close and a grace.
func (c *Calendar) FreshUntil(d backend.Date) time.Time { return c.CloseOf(c.Next(d)).Add(c.grace) }

// dayOf returns the day that a time is on in the calendar's zone.
func (c *Calendar) dayOf(at time.Time) backend.Date { return backend.NewDate(at.In(c.zone).Date()) }

// freshUntil is until when a price of a time is the newest one: a minute while
// the market is open, else until the next close.
func (c *Calendar) freshUntil(at time.Time, open bool) time.Time {
	if open {
		return at.Add(liveFor)
	}
	return c.FreshUntil(c.LastClose(at.Add(time.Minute))) // the last trade may be reported just before the close
}
