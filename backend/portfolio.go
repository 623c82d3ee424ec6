package backend

import (
	"fmt"
	"time"
)

// Portfolio is a set of transactions that is valued together.
type Portfolio struct {
	ID    string   `json:"id"` // UUID
	Owner string   `json:"-"`
	Name  string   `json:"name"` // 1–100 characters
	Base  Currency `json:"base_currency"`
	Policy
	// Version grows by one with each change of the portfolio or of one of its
	// transactions: what was derived from one version stays right for that version.
	Version   int64     `json:"version"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Validate reports every problem of what a person chose, joined: a FieldError each.
func (f Portfolio) Validate() error {
	var p problems
	p.label("name", f.Name)
	p.currency("base_currency", f.Base)
	if f.Method != FIFO && f.Method != Average {
		p.add("cost_method", fmt.Sprintf("%.16q", f.Method), "FIFO or AVERAGE")
	}
	return p.err()
}

// AuditEntry is one line of the append-only record of who changed what.
type AuditEntry struct {
	ID        int64     `json:"id"` // grows
	At        time.Time `json:"at"`
	KeyID     string    `json:"key_id"`    // "" for the command line
	Action    string    `json:"action"`    // such as "transaction.update"
	Subject   string    `json:"subject"`   // id of what was changed
	Portfolio string    `json:"portfolio"` // "" where none is concerned
	Before    any       `json:"before"`    // null where it was made
	After     any       `json:"after"`     // null where it was deleted
}
