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
	Layout      string     // of the file
	Entries     []Imported // all of the file; none after it was confirmed
	CreatedAt   time.Time
	ExpiresAt   time.Time // of a preview; the zero value after it was confirmed
	ConfirmedAt time.Time // the zero value for a preview
	Recorded    int       // entries, after it was confirmed
}

// Confirmed reports whether the entries were recorded.
func (i Import) Confirmed() bool { return !i.ConfirmedAt.IsZero() }

// Imported is a transaction of a file.
type Imported struct {
	Transaction Transaction `json:"transaction"`
	Origin      Origin      `json:"origin"`
	// Duplicate says that the portfolio had it at the time of the preview. It is kept
	// because transactions that look alike are counted.
	Duplicate bool `json:"duplicate,omitempty"`
}

// Origin identifies an entry in other files.
type Origin struct {
	Issuer   string `json:"issuer"`    // of BrokerID
	BrokerID string `json:"broker_id"` // "" if the file had none
	Content  string `json:"content"`   // what the file had, as one text
}

// Imports stores previews and confirmed imports. The code of errors about those of
// another owner, and about expired previews, is CodeNotFound.
type Imports interface {
	// CreateImport stores a preview and returns it with its ID and times.
	CreateImport(ctx context.Context, by Principal, i Import) (Import, error)
	GetImport(ctx context.Context, owner, portfolio, id string) (Import, error)
	// Origins returns the origins of a portfolio's entries that came from files, by ID.
	Origins(ctx context.Context, owner, portfolio string) (map[string]Origin, error)
	// ConfirmImport records entries of a preview, all or none, if the portfolio still
	// has that version; otherwise the code is CodeVersionConflict. Confirming again records
	// nothing and returns what the first call returned.
	ConfirmImport(ctx context.Context, by Principal, i Import, version int64,
		entries []Imported) (recorded int, err error)
	// DeleteImport deletes a preview, or a confirmed import with its entries, all or
	// none: the error is that of Derive if the others are not possible without them.
	DeleteImport(ctx context.Context, by Principal, portfolio, id string) error
}
