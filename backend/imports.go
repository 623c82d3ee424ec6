package backend

import (
	"context"
	"time"
)

// ImportLifetime is how long a preview waits for its confirmation.
const ImportLifetime = time.Hour

// Import is a file that was read for a portfolio. Until it is confirmed it is a
// preview.
type Import struct {
	ID          string
	Portfolio   string
	Layout      string     // in which the file is
	Entries     []Imported // that it would record; none once it was confirmed
	CreatedAt   time.Time
	ExpiresAt   time.Time // of a preview; the zero value once it was confirmed
	ConfirmedAt time.Time // the zero value before
	Recorded    int       // entries, once it was confirmed
}

// Confirmed reports whether the entries were recorded.
func (i Import) Confirmed() bool { return !i.ConfirmedAt.IsZero() }

// Imported is a transaction of a file.
type Imported struct {
	Transaction Transaction `json:"transaction"`
	Origin      Origin      `json:"origin"`
}

// Origin is by what an entry is recognised in another file.
type Origin struct {
	Issuer   string `json:"issuer"`    // of BrokerID
	BrokerID string `json:"broker_id"` // "" if the file had none
	Content  string `json:"content"`   // what the file said, in one text
}

// Imports keeps previews and what became of them. Another owner's are
// CodeNotFound, and so are previews that expired.
type Imports interface {
	// CreateImport keeps a preview and returns it with its ID and times.
	CreateImport(ctx context.Context, by Principal, i Import) (Import, error)
	GetImport(ctx context.Context, owner, portfolio, id string) (Import, error)
	// Origins returns the origins of a portfolio's entries that came from files, by ID.
	Origins(ctx context.Context, owner, portfolio string) (map[string]Origin, error)
	// ConfirmImport records entries of a preview, all or none, if the portfolio still
	// has that version, else CodeVersionConflict. Confirming again records nothing and
	// returns what the first call did.
	ConfirmImport(ctx context.Context, by Principal, i Import, version int64, entries []Imported) (recorded int, err error)
	// DeleteImport forgets a preview. The entries of an import that was confirmed are
	// deleted, all or none: the error is that of Derive if the rest cannot be.
	DeleteImport(ctx context.Context, by Principal, portfolio, id string) error
}
