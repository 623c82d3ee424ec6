package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"portfolio/backend"
	"portfolio/contract/wire"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// within runs do in a database transaction and commits it if do succeeds. After an
// error with CodeUnavailable or CodeTimeout it may have been committed.
func (db *DB) within(ctx context.Context, what string, do func(pgx.Tx) error) error {
	return outcome(what, pgx.BeginFunc(ctx, db.pool, do))
}

// outcome adds to an error of the database the code that callers act on. Errors of the
// domain, and nil, are returned as they are; an error that is a bug has no code.
func outcome(what string, err error) error {
	if known := (*backend.Error)(nil); err == nil || errors.As(err, &known) {
		return err
	}
	code, message := classify(err)
	err = fmt.Errorf("%s: %w", what, err)
	if code == "" {
		return err
	}
	return &backend.Error{Code: code, Message: message, Err: err}
}

const unreachable = "the database cannot be reached, try again"

func classify(err error) (code backend.Code, message string) {
	var answer *pgconn.PgError
	switch connecting := (*pgconn.ConnectError)(nil); {
	case errors.As(err, &connecting): // or the server refuses the password or the database
		return wire.CodeUnavailable, unreachable
	case errors.As(err, &answer):
		return classifyState(answer.Code)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return backend.CodeTimeout, "the database did not answer in time, ask for less or try again"
	case broken(err):
		return wire.CodeUnavailable, unreachable
	default:
		return "", ""
	}
}

// classifyState classifies an SQLSTATE (PostgreSQL manual, appendix A).
func classifyState(state string) (code backend.Code, message string) {
	switch state {
	case "57014": // query_canceled, by statement_timeout
		return backend.CodeTimeout, "the database did not answer in time, ask for less or try again"
	case "42P01": // undefined_table
		return wire.CodeUnavailable, "the database is not migrated yet, try again"
	case "40001", "40P01", "55P03": // serialization_failure, deadlock_detected, lock_not_available
		return wire.CodeUnavailable, "another change was made at the same time, try again"
	}
	switch state[:2] {
	case "08", "57": // connection exception; operator intervention, such as a shutdown
		return wire.CodeUnavailable, unreachable
	case "53", "58": // insufficient resources, system error
		return wire.CodeUnavailable, "the database is overloaded or out of resources, try again"
	case "22": // data exception, such as a null byte or a date out of range
		return backend.CodeInvalidRequest,
			"the request contains a value that cannot be stored, such as a null byte or a date out of range"
	}
	return "", ""
}

// broken reports whether an established connection failed, or none could be made.
func broken(err error) bool {
	network, credentials := (*net.OpError)(nil), (*credentialsError)(nil)
	return errors.As(err, &network) || errors.As(err, &credentials) || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed)
}

// credentialsError is the reason why there are no credentials to connect with.
type credentialsError struct{ err error }

func (e *credentialsError) Error() string { return "database credentials: " + e.err.Error() }
func (e *credentialsError) Unwrap() error { return e.err }
