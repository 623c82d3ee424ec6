package backend

import (
	"context"
	"time"
)

// Limits of lists and batches.
const (
	MaxPage         = 200     // entries of one page
	MaxBatch        = 500     // quotes and rates of one call
	MaxImport       = 10_000  // rows of one import
	MaxTransactions = 100_000 // of one portfolio
	MaxPortfolios   = 1_000   // of one owner
	MaxAPIKeys      = 100     // of one owner, without revoked and expired ones
	MaxDays         = 3_660   // of one history or of one call for closing prices
)

// MaxIdempotencyKey limits the key that makes a retried call the same call, in bytes.
const MaxIdempotencyKey = 128

// IdempotencyLifetime is how long a retried call returns the answer of the first.
const IdempotencyLifetime = 24 * time.Hour

// The codes of the stores' errors, besides CodeNotFound, CodeUnavailable and
// those of the domain.
const (
	CodeUnauthenticated     Code = "unauthenticated"      // no key, or an invalid one
	CodeForbidden           Code = "forbidden"            // the key lacks a scope
	CodeVersionConflict     Code = "version_conflict"     // changed by another call meanwhile
	CodeIdempotencyConflict Code = "idempotency_conflict" // the key was used with another request
	CodeLimitReached        Code = "limit_reached"        // there are as many as the limit allows
	CodeTimeout             Code = "timeout"              // the store is reachable but did not answer in time
)

// Page asks for a part of a list.
type Page struct {
	After string // opaque, from the page before; "" for the first
	Limit int    // 1–MaxPage
}

// APIKeys stores keys by their hashes.
type APIKeys interface {
	// CreateKey stores a key by its hash and assigns its ID. By is the zero value for
	// the command line, which may create any key; otherwise the key is of by's owner,
	// and the code is CodeForbidden for a scope that by lacks.
	CreateKey(ctx context.Context, by Principal, k APIKey, hash SecretHash) (APIKey, error)
	// Authenticate returns the principal of a key that is neither revoked nor
	// expired at now; the code of its error is CodeUnauthenticated otherwise.
	Authenticate(ctx context.Context, hash SecretHash, now time.Time) (Principal, error)
	// ListKeys returns the owner's keys, the oldest first.
	ListKeys(ctx context.Context, owner string, page Page) (keys []APIKey, next string, err error)
	// RevokeKey ends a key of by's owner, and its tickets, permanently. It is announced
	// to all instances. Revoking again is not an error.
	RevokeKey(ctx context.Context, by Principal, id string, now time.Time) error
	// Audit returns the owner's audit, the newest line first.
	Audit(ctx context.Context, owner string, page Page) (entries []AuditEntry, next string, err error)
}

// Portfolios stores portfolios and their transactions. The code of errors about those of
// another owner is always CodeNotFound. Every change is recorded in the audit in the same
// database transaction, raises the portfolio's version, and is announced to all
// instances once it is committed.
type Portfolios interface {
	// CreatePortfolio adds a portfolio at version 1. With an idempotency key ("" for
	// none), a second call within IdempotencyLifetime adds nothing and returns what the
	// first one returned, replayed; with another portfolio, the code is
	// CodeIdempotencyConflict.
	CreatePortfolio(ctx context.Context, by Principal, idempotencyKey string, p Portfolio) (created Portfolio,
		replayed bool, err error)
	GetPortfolio(ctx context.Context, owner, id string) (Portfolio, error)
	ListPortfolios(ctx context.Context, owner string, page Page) (list []Portfolio, next string, err error)
	// UpdatePortfolio changes name, base currency and policy of p.ID if its version
	// is still p.Version; otherwise the code is CodeVersionConflict. A policy under
	// which the transactions are not possible is refused with CodeOversold.
	UpdatePortfolio(ctx context.Context, by Principal, p Portfolio) (Portfolio, error)
	// DeletePortfolio deletes a portfolio of that version with its transactions.
	DeletePortfolio(ctx context.Context, by Principal, id string, version int64) error

	// Record adds transactions, 1–MaxImport, all or none, and assigns ID, Sequence
	// and Version 1. Everything that follows from them is derived before they are
	// stored, so the error is that of Derive if an entry is not possible; it names a
	// new entry by the ID that the caller gave it, such as "row 7", or by its position.
	// With an idempotency key ("" for none), a second call within IdempotencyLifetime
	// adds nothing and returns what the first one returned, replayed; with other
	// transactions, the code is CodeIdempotencyConflict.
	Record(ctx context.Context, by Principal, portfolio, idempotencyKey string, txs []Transaction) (recorded []Entry,
		replayed bool, err error)
	GetEntry(ctx context.Context, owner, portfolio, id string) (Entry, error)
	// ListEntries returns a portfolio's entries, the latest date first.
	ListEntries(ctx context.Context, owner, portfolio string, page Page) (list []Entry, next string, err error)
	// UpdateEntry replaces the entry with that ID if its version is still e.Version.
	// Sequence and RecordedAt are not changed.
	UpdateEntry(ctx context.Context, by Principal, portfolio string, e Entry) (Entry, error)
	DeleteEntry(ctx context.Context, by Principal, portfolio, id string, version int64) error

	// Transfer moves units between two portfolios of by's owner, all or nothing: a
	// TRANSFER_OUT in one and a TRANSFER_IN for each of its lots in the other. An
	// idempotency key applies to the portfolio that the units leave.
	Transfer(ctx context.Context, by Principal, idempotencyKey string, t Transfer) (out []Entry, in []Entry,
		replayed bool, err error)

	// Load returns a portfolio with all its transactions, in one snapshot.
	Load(ctx context.Context, owner, id string) (Portfolio, []Transaction, error)
	// LoadSince returns a portfolio with the transactions that were recorded or
	// changed since one of its versions, and the ids of those that were deleted.
	LoadSince(ctx context.Context, owner, id string, version int64) (p Portfolio, changed []Transaction,
		deleted []string, err error)
}

// Entry is a transaction as it is stored.
type Entry struct {
	Transaction
	Version    int64     `json:"version"` // grows by one with each edit
	RecordedAt time.Time `json:"recorded_at"`
}

// StoredTime returns t as it is stored: in UTC and, as by PostgreSQL, rounded to
// microseconds, which may be on the next day.
func StoredTime(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// Market stores quotes and rates: for each symbol and pair, the last one of each day
// (UTC) by its time, and of equal times the one received last. For some days it also keeps
// samples: likewise the last one of each slot.
type Market interface {
	// WriteQuotes stores what is newer than what is stored, announces it to all
	// instances, and records the batch in the audit. It returns how many were newer;
	// older ones are not an error.
	WriteQuotes(ctx context.Context, by Principal, quotes []Quote, rates []Rate) (newer int, err error)
	// QuoteSeries calls its function once for each of symbols, in any order, with the
	// last quote before the first day and that of each day from the first to the last.
	// The function must not keep them.
	QuoteSeries(ctx context.Context, symbols []string, from, to Date,
		each func(symbol string, closes *Closes) error) error
	// RateSeries calls its function with the rates of all pairs between the currencies,
	// pair by pair: with the last one before the first day and that of each day, the
	// oldest first. Source and Received may be missing.
	RateSeries(ctx context.Context, currencies []Currency, from, to Date, each func(Rate) error) error
	// QuoteSamples is QuoteSeries with the last quote of each slot of the days as well, as
	// far as they are kept (SamplesKept). They are in order of time. The function may keep
	// them.
	QuoteSamples(ctx context.Context, symbols []string, from, to Date,
		each func(symbol string, quotes *Closes) error) error
	// RateSamples is RateSeries with the last rate of each slot of the days as well.
	RateSamples(ctx context.Context, currencies []Currency, from, to Date, each func(Rate) error) error
	// Latest returns the newest prices of symbols and of all pairs between the
	// currencies. Those without a price are missing in the result.
	Latest(ctx context.Context, symbols []string, currencies []Currency) (Prices, error)
	// Closing returns the newest prices known at the close of each of days, by day,
	// at most MaxDays of them.
	Closing(ctx context.Context, symbols []string, currencies []Currency, days ...Date) (map[Date]Prices, error)
}

// Pricer returns the prices at which a portfolio is valued.
type Pricer interface {
	// Prices returns the newest prices known at a time, the zero time for now: of
	// symbols and of all pairs between the currencies. Those without a price are missing
	// in the result, which must not be changed.
	Prices(ctx context.Context, symbols []string, currencies []Currency, asOf time.Time) (Prices, error)
}

// TicketLifetime is how long a ticket may wait for its WebSocket.
const TicketLifetime = 60 * time.Second

// Tickets authenticate browsers, which cannot send headers with a WebSocket.
type Tickets interface {
	// IssueTicket stores a ticket for a principal until it is used or expires.
	IssueTicket(ctx context.Context, p Principal, hash SecretHash, expires time.Time) error
	// RedeemTicket returns the principal of a ticket, once: of simultaneous calls
	// exactly one succeeds. Otherwise the code is CodeUnauthenticated.
	RedeemTicket(ctx context.Context, hash SecretHash, now time.Time) (Principal, error)
}

// Change is announced to all instances after it was committed.
type Change struct {
	Portfolio   string   // changed, with its transactions; "" if none
	Symbols     []string // have newer quotes
	Pairs       []Pair   // have newer rates
	RevokedKey  string   // ID of a key that is no longer valid; "" if none
	SignedOut   string   // owner of sessions that have ended; "" if none
	Past        bool     // a quote or a rate is of a day that is over
	Instruments bool     // what is known of instruments
}

// Changes reports changes made at any instance.
type Changes interface {
	// Listen calls changed with every change until ctx ends. It calls lost when changes
	// may have been missed, as after a lost connection: whatever was derived from the
	// stores has to be read again.
	Listen(ctx context.Context, changed func(Change), lost func()) error
}
