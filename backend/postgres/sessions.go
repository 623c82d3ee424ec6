package postgres

import (
	"context"
	"errors"
	"time"

	"portfolio/backend"

	"github.com/jackc/pgx/v5"
)

var _ backend.Sessions = (*DB)(nil)

// StartSession implements backend.Sessions.
func (db *DB) StartSession(ctx context.Context, by backend.Principal, how backend.SignIn, hash backend.SecretHash,
	now time.Time) (backend.Principal, error) {
	id, err := newID()
	if err != nil {
		return backend.Principal{}, err
	}
	now = backend.StoredTime(now)
	s := backend.Session{ID: id, KeyID: by.KeyID, SignIn: how, CreatedAt: now, EndsAt: now.Add(backend.SessionLifetime)}
	err = db.within(ctx, "start session", func(tx pgx.Tx) error {
		// Locks the key, so that simultaneous sign-ins count each other.
		var ends *time.Time
		err := tx.QueryRow(ctx, `
			select owner, scopes, sources, expires_at from api_keys
			where id = $1 and revoked_at is null and (expires_at is null or expires_at > $2) for no key update`,
			by.KeyID, now).Scan(&by.Owner, &by.Scopes, &by.Sources, &ends)
		if errors.Is(err, pgx.ErrNoRows) {
			return &backend.Error{Code: backend.CodeUnauthenticated, Message: "the API key is not valid"}
		}
		if err != nil {
			return err
		}
		by.SessionID, by.ExpiresAt = s.ID, &s.EndsAt
		if ends != nil && ends.Before(s.EndsAt) {
			by.ExpiresAt = ends
		}
		surplus, err := sessionIDs(ctx, tx, `
			delete from sessions where id in (
				select id from sessions where key_id = $1 order by expires_at desc offset $2) returning id`,
			by.KeyID, backend.MaxSessions-1)
		if err != nil {
			return err
		}
		var batch pgx.Batch
		batch.Queue(`
			insert into sessions (hash, id, key_id, sign_in, created_at, ends_at, expires_at)
			values ($1, $2, $3, $4, $5, $6, $7)`,
			hash[:], s.ID, s.KeyID, s.SignIn, s.CreatedAt, s.EndsAt, now.Add(backend.SessionIdle))
		audit(&batch, by, by.Owner, "session.start", s.ID, "", nil, s)
		if err := sessionsEnded(&batch, by, surplus); err != nil {
			return err
		}
		return tx.SendBatch(ctx, &batch).Close()
	})
	return by, err
}

// ResumeSession implements backend.Sessions.
func (db *DB) ResumeSession(ctx context.Context, hash backend.SecretHash, now time.Time) (backend.Principal, error) {
	var expires, ends time.Time
	var p backend.Principal
	err := db.pool.QueryRow(ctx, `
		select k.id, s.id, k.owner, k.scopes, k.sources, least(k.expires_at, s.ends_at), s.expires_at, s.ends_at
		from sessions s join api_keys k on k.id = s.key_id
		where s.hash = $1 and s.expires_at > $2 and k.revoked_at is null and (k.expires_at is null or k.expires_at > $2)`,
		hash[:], now).Scan(&p.KeyID, &p.SessionID, &p.Owner, &p.Scopes, &p.Sources, &p.ExpiresAt, &expires, &ends)
	if errors.Is(err, pgx.ErrNoRows) {
		return backend.Principal{}, &backend.Error{Code: backend.CodeUnauthenticated,
			Message: "the session has ended; sign in again"}
	}
	if err != nil {
		return backend.Principal{}, outcome("resume session", err)
	}
	idle := now.Add(backend.SessionIdle)
	if idle.After(ends) {
		idle = ends
	}
	if idle.Sub(expires) < backend.SessionUse {
		return p, nil
	}
	_, err = db.pool.Exec(ctx, "update sessions set expires_at = $2 where hash = $1 and expires_at < $2", hash[:], idle)
	return p, outcome("record use of session", err)
}

// EndSession implements backend.Sessions.
func (db *DB) EndSession(ctx context.Context, by backend.Principal) error {
	return db.endSessions(ctx, by, "delete from sessions where id = $1 returning id", by.SessionID)
}

// EndSessions implements backend.Sessions.
func (db *DB) EndSessions(ctx context.Context, by backend.Principal) error {
	return db.endSessions(ctx, by, `
		delete from sessions where key_id in (select id from api_keys where owner = $1) returning id`, by.Owner)
}

// endSessions deletes sessions of by's owner with a statement that returns their IDs.
func (db *DB) endSessions(ctx context.Context, by backend.Principal, statement string, arguments ...any) error {
	return db.within(ctx, "end session", func(tx pgx.Tx) error {
		ended, err := sessionIDs(ctx, tx, statement, arguments...)
		if err != nil || len(ended) == 0 {
			return err
		}
		var batch pgx.Batch
		if err := sessionsEnded(&batch, by, ended); err != nil {
			return err
		}
		return tx.SendBatch(ctx, &batch).Close()
	})
}

func sessionIDs(ctx context.Context, tx pgx.Tx, statement string, arguments ...any) ([]string, error) {
	rows, _ := tx.Query(ctx, statement, arguments...)
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// sessionsEnded queues the audit and the notices of sessions that have been deleted.
func sessionsEnded(batch *pgx.Batch, by backend.Principal, sessions []string) error {
	if len(sessions) == 0 {
		return nil
	}
	for _, id := range sessions {
		audit(batch, by, by.Owner, "session.end", id, "", nil, nil)
	}
	endSessionConnections(batch, sessions)
	return announce(batch, backend.Change{SignedOut: by.Owner})
}
