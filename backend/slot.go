package backend

import "time"

const (
	// SlotLength is the length of a slot: the last price of each is kept for a while. Days
	// begin and end with a slot, because all time zones differ from UTC by a multiple of it.
	SlotLength = 5 * time.Minute
	// SlotsPerDay is how many slots most days have.
	SlotsPerDay = int(24 * time.Hour / SlotLength)
	// SampleDays is how many days have values within the day: today and the one before.
	SampleDays = 2
	// SamplesKept is how long the prices of slots are kept: two days, of which one may have
	// 25 hours, and the day (UTC) in which they begin.
	SamplesKept = (SampleDays+1)*24*time.Hour + 2*time.Hour
)

// SlotEnd returns the end of the slot that a time is in; the end belongs to its slot.
func SlotEnd(t time.Time) time.Time {
	end := t.UTC().Truncate(SlotLength)
	if end.Before(t) {
		end = end.Add(SlotLength)
	}
	return end
}

// slotEnds returns the ends of the slots of a day up to now.
func slotEnds(d Date, zone *time.Location, now time.Time) []time.Time {
	var ends []time.Time
	last := openingIn(d+1, 0, zone)
	for end := openingIn(d, 0, zone).Add(SlotLength); !end.After(last) && !end.After(now); end = end.Add(SlotLength) {
		ends = append(ends, end.UTC())
	}
	return ends
}
