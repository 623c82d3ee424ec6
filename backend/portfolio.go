package backend

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"
	_ "time/tzdata" // so that every machine knows the same time zones
)

// Portfolio is a set of transactions that is valued together.
type Portfolio struct {
	ID    string   `json:"id"` // UUID
	Owner string   `json:"-"`
	Name  string   `json:"name"` // 1–100 characters
	Base  Currency `json:"base_currency"`
	Policy
	// TimeZone is a name of the IANA time zone database; "" is UTC. It determines the
	// current day and when a day closes.
	TimeZone string `json:"time_zone"`
	// Version grows by one with each change of the portfolio or of one of its
	// transactions: what was derived from one version remains valid for it.
	Version   int64     `json:"version"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Validate reports every problem of the members a caller chooses, joined: a
// FieldError each.
func (f Portfolio) Validate() error {
	var p problems
	p.label("name", f.Name)
	p.currency("base_currency", f.Base)
	if !f.Method.Valid() {
		p.add("cost_method", fmt.Sprintf("%.16q", f.Method), wantCostMethod)
	}
	if _, err := zoneNamed(f.TimeZone); err != nil {
		p.add("time_zone", fmt.Sprintf("%.40q", f.TimeZone),
			"a name of the IANA time zone database such as Europe/Berlin")
	}
	return p.err()
}

// MarshalJSON adds track_cash, which is true unless cash is ignored.
func (f Portfolio) MarshalJSON() ([]byte, error) {
	type plain Portfolio
	if f.TimeZone == "" {
		f.TimeZone = time.UTC.String()
	}
	return json.Marshal(struct {
		plain
		TrackCash bool `json:"track_cash"`
	}{plain(f), !f.IgnoreCash})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (f *Portfolio) UnmarshalJSON(text []byte) error {
	type plain Portfolio
	in := struct {
		*plain
		TrackCash *bool `json:"track_cash"`
	}{plain: (*plain)(f)}
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	f.IgnoreCash = in.TrackCash != nil && !*in.TrackCash
	return nil
}

// Location returns the time zone of the portfolio's days, UTC for an unknown one.
func (f Portfolio) Location() *time.Location {
	zone, err := zoneNamed(f.TimeZone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// Today returns the current day of the portfolio.
func (f Portfolio) Today(now time.Time) Date { return DateIn(now, f.Location()) }

// zones caches time zones by name, because loading one is slow.
var zones sync.Map

func zoneNamed(name string) (*time.Location, error) {
	if zone, found := zones.Load(name); found {
		return zone.(*time.Location), nil
	}
	if name == "Local" { // for which time.LoadLocation returns this machine's
		return nil, fmt.Errorf("time zone: got %q", name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, err
	}
	if name == "" || name == "UTC" {
		zone = time.UTC
	}
	zones.Store(name, zone)
	return zone, nil
}

// AuditEntry is one line of the audit: who changed what. Lines are only added.
type AuditEntry struct {
	ID        int64     `json:"id"` // grows
	At        time.Time `json:"at"`
	KeyID     string    `json:"key_id"`    // "" for the command line
	Action    string    `json:"action"`    // such as "transaction.update"
	Subject   string    `json:"subject"`   // id of what was changed
	Portfolio string    `json:"portfolio"` // "" if none is concerned
	Before    any       `json:"before"`    // null if it was created
	After     any       `json:"after"`     // null if it was deleted
}
