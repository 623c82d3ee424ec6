package postgres

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"portfolio/backend"

	"github.com/jackc/pgx/v5"
)

var _ backend.Identities = (*DB)(nil)

// IdentityKey implements backend.Identities.
func (db *DB) IdentityKey(ctx context.Context, i backend.Identity, now time.Time) (backend.Principal, error) {
	id, err := newID()
	if err != nil {
		return backend.Principal{}, err
	}
	k := backend.APIKey{ID: id, Owner: i.Owner, Label: identityLabel(i), Scopes: i.Scopes,
		CreatedAt: backend.StoredTime(now)}
	if err := errors.Join(backend.ValidateOwner(k.Owner), k.Validate()); err != nil {
		return backend.Principal{}, invalid(err)
	}
	name := i.Issuer + " " + i.Subject
	err = db.within(ctx, "identity key", func(tx pgx.Tx) error {
		if err := lockOwner(ctx, tx, name); err != nil { // sign-ins of one person wait for each other
			return err
		}
		rows, _ := tx.Query(ctx, "select "+keyColumns+
			" from api_keys where identity = $1 and revoked_at is null for update", name)
		known, err := one[backend.APIKey](rows)
		if err == nil && known.Owner == k.Owner && slices.Equal(known.Scopes, k.Scopes) {
			k = known
			return nil
		}
		if err != nil && !errors.Is(err, errNotFound) {
			return err
		}
		var batch pgx.Batch
		if err == nil {
			if err := revoke(&batch, backend.Principal{}, known, now); err != nil {
				return err
			}
		}
		hash := backend.HashSecret(backend.NewSecret())
		batch.Queue(`
			insert into api_keys (id, owner, hash, label, scopes, created_at, identity) values ($1, $2, $3, $4, $5, $6, $7)`,
			k.ID, k.Owner, hash[:], k.Label, k.Scopes, k.CreatedAt, name)
		audit(&batch, backend.Principal{}, k.Owner, "key.create", k.ID, "", nil, k)
		return tx.SendBatch(ctx, &batch).Close()
	})
	return backend.Principal{KeyID: k.ID, Owner: k.Owner, Scopes: k.Scopes}, err
}

// identityLabel is what people know a person's key by.
func identityLabel(i backend.Identity) string {
	_, host, _ := strings.Cut(i.Issuer, "://")
	host, _, _ = strings.Cut(host, "/")
	label := []rune(i.Subject + " at " + host)
	return string(label[:min(len(label), backend.MaxLabel)])
}
