package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"portfolio/backend"

	"github.com/jackc/pgx/v5"
)

var (
	_ backend.APIKeys = (*DB)(nil)
	_ backend.Tickets = (*DB)(nil)
)

// CreateKey implements backend.APIKeys.
func (db *DB) CreateKey(ctx context.Context, by backend.Principal, k backend.APIKey,
	hash backend.SecretHash) (backend.APIKey, error) {
	if by.KeyID != "" {
		k.Owner = by.Owner
		if err := by.Grant(k); err != nil {
			return backend.APIKey{}, err
		}
	}
	if err := errors.Join(backend.ValidateOwner(k.Owner), k.Validate()); err != nil {
		return backend.APIKey{}, invalid(err)
	}
	id, err := newID()
	if err != nil {
		return backend.APIKey{}, err
	}
	k.ID, k.RevokedAt = id, nil
	err = db.within(ctx, "create key", func(tx pgx.Tx) error {
		if err := lockOwner(ctx, tx, k.Owner); err != nil {
			return err
		}
		var good int
		if err := tx.QueryRow(ctx, `
			select count(*), now() from api_keys
			where owner = $1 and identity is null and revoked_at is null and (expires_at is null or expires_at > now())`,
			k.Owner).Scan(&good, &k.CreatedAt); err != nil {
			return err
		}
		if good >= backend.MaxAPIKeys {
			return limitReached("keys", backend.MaxAPIKeys)
		}
		var batch pgx.Batch
		batch.Queue(`
			insert into api_keys (id, owner, hash, label, scopes, sources, created_at, expires_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8)`,
			k.ID, k.Owner, hash[:], k.Label, k.Scopes, k.Sources, k.CreatedAt, k.ExpiresAt)
		audit(&batch, by, k.Owner, "key.create", k.ID, "", nil, k)
		return tx.SendBatch(ctx, &batch).Close()
	})
	return k, err
}

// Authenticate implements backend.APIKeys.
func (db *DB) Authenticate(ctx context.Context, hash backend.SecretHash, now time.Time) (backend.Principal, error) {
	return principal("authenticate", "the API key is not valid", db.pool.QueryRow(ctx, `
		select id, '', owner, scopes, sources, expires_at from api_keys
		where hash = $1 and revoked_at is null and (expires_at is null or expires_at > $2)`, hash[:], now))
}

// principal reads the principal of a secret.
func principal(what, otherwise string, row pgx.Row) (p backend.Principal, err error) {
	err = row.Scan(&p.KeyID, &p.SessionID, &p.Owner, &p.Scopes, &p.Sources, &p.ExpiresAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return backend.Principal{}, &backend.Error{Code: backend.CodeUnauthenticated, Message: otherwise}
	}
	return p, outcome(what, err)
}

const keyColumns = "id, owner, label, scopes, sources, created_at, expires_at, revoked_at"

// ListKeys implements backend.APIKeys.
func (db *DB) ListKeys(ctx context.Context, owner string, page backend.Page) ([]backend.APIKey, string, error) {
	return listByID(ctx, db, "keys", "select "+keyColumns+` from api_keys
		where owner = $1 and id > $2 order by id limit $3`,
		owner, page, func(k backend.APIKey) string { return k.ID })
}

// RevokeKey implements backend.APIKeys. Its tickets stay until they are swept,
// but RedeemTicket checks the key.
func (db *DB) RevokeKey(ctx context.Context, by backend.Principal, id string, now time.Time) error {
	if err := present(id); err != nil {
		return err
	}
	return db.within(ctx, "revoke key", func(tx pgx.Tx) error {
		rows, _ := tx.Query(ctx, "select "+keyColumns+" from api_keys where id = $1 and owner = $2 for update", id,
			by.Owner)
		before, err := one[backend.APIKey](rows)
		if err != nil || before.RevokedAt != nil {
			return err
		}
		var batch pgx.Batch
		if err := revoke(&batch, by, before, now); err != nil {
			return err
		}
		return tx.SendBatch(ctx, &batch).Close()
	})
}

// revoke queues the end of a key.
func revoke(batch *pgx.Batch, by backend.Principal, k backend.APIKey, now time.Time) error {
	after := k
	after.RevokedAt = &now
	batch.Queue("update api_keys set revoked_at = $2 where id = $1", k.ID, now)
	audit(batch, by, k.Owner, "key.revoke", k.ID, "", k, after)
	endConnections(batch, k.ID)
	return announce(batch, backend.Change{RevokedKey: k.ID})
}

// Audit implements backend.APIKeys. Before and After are json.RawMessage.
func (db *DB) Audit(ctx context.Context, owner string, page backend.Page) ([]backend.AuditEntry, string, error) {
	if err := checkPage(page); err != nil {
		return nil, "", err
	}
	name := "audit\x00" + owner
	var before int64 = 1<<63 - 1
	if err := readCursor(name, page.After, &before); err != nil {
		return nil, "", err
	}
	rows, _ := db.pool.Query(ctx, `
		select id, at, coalesce(key_id::text, ''), action, subject, coalesce(portfolio_id::text, ''), before, after
		from audit where owner = $1 and id < $2 order by id desc limit $3`, owner, before, page.Limit+1)
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e backend.AuditEntry, err error) {
		var before, after []byte // nil for null
		err = row.Scan(&e.ID, &e.At, &e.KeyID, &e.Action, &e.Subject, &e.Portfolio, &before, &after)
		if before != nil {
			e.Before = json.RawMessage(before)
		}
		if after != nil {
			e.After = json.RawMessage(after)
		}
		return e, err
	})
	if err != nil {
		return nil, "", outcome("list audit", err)
	}
	list, more := cut(list, page.Limit)
	if !more {
		return list, "", nil
	}
	return list, cursorAt(name, list[len(list)-1].ID), nil
}

// audit queues one line of the audit. Before and after are null if they are nil.
func audit(batch *pgx.Batch, by backend.Principal, owner, action, subject, portfolio string, before, after any) {
	batch.Queue(`
		insert into audit (owner, key_id, action, subject, portfolio_id, before, after)
		values ($1, nullif($2, '')::uuid, $3, $4, nullif($5, '')::uuid, $6, $7)`,
		owner, by.KeyID, action, subject, portfolio, before, after)
}

// lockOwner serializes transactions that count what an owner has, until this one ends.
func lockOwner(ctx context.Context, tx pgx.Tx, owner string) error {
	_, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1, hashtext($2))", ownerLocks, owner)
	return err
}

// ownerLocks distinguishes locks of owners from other advisory locks.
const ownerLocks int32 = 1

// one returns the only row, or errNotFound.
func one[T any](rows pgx.Rows) (T, error) {
	value, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByNameLax[T])
	return value, found(err)
}

// found returns errNotFound if there was no row, and other errors as they are.
func found(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return errNotFound
	}
	return err
}

// IssueTicket implements backend.Tickets.
func (db *DB) IssueTicket(ctx context.Context, p backend.Principal, hash backend.SecretHash, expires time.Time) error {
	_, err := db.pool.Exec(ctx, `
		insert into tickets (hash, key_id, session_id, expires_at) values ($1, $2, nullif($3, '')::uuid, $4)`,
		hash[:], p.KeyID, p.SessionID, expires)
	return outcome("issue ticket", err)
}

// RedeemTicket implements backend.Tickets. A ticket ends with its key and its session.
func (db *DB) RedeemTicket(ctx context.Context, hash backend.SecretHash, now time.Time) (backend.Principal, error) {
	return principal("redeem ticket", "the ticket is not valid or has been used", db.pool.QueryRow(ctx, `
		delete from tickets t using api_keys k
		where t.hash = $1 and t.expires_at > $2 and k.id = t.key_id
			and k.revoked_at is null and (k.expires_at is null or k.expires_at > $2)
			and (t.session_id is null or exists (select from sessions s where s.id = t.session_id and s.expires_at > $2))
		returning k.id, coalesce(t.session_id::text, ''), k.owner, k.scopes, k.sources, k.expires_at`, hash[:], now))
}
