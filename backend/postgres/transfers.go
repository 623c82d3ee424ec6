package postgres

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"slices"

	"portfolio/backend"

	"github.com/jackc/pgx/v5"
)

// Transfer implements backend.Portfolios.
func (db *DB) Transfer(ctx context.Context, by backend.Principal, key string,
	t backend.Transfer) (out, in []backend.Entry, replayed bool, err error) {
	if err := errors.Join(present(t.From, t.To), checkKey(key)); err != nil {
		return nil, nil, false, err
	}
	if err := t.Validate(); err != nil {
		return nil, nil, false, invalid(err)
	}
	text, err := json.Marshal(t)
	if err != nil {
		return nil, nil, false, err
	}
	request := sha256.Sum256(text)
	err = db.within(ctx, "transfer", func(tx pgx.Tx) error {
		from, to, err := lockBoth(ctx, tx, by.Owner, t.From, t.To)
		if err != nil {
			return err
		}
		if key != "" {
			if out, in, err = replayTransfer(ctx, tx, t, key, request[:]); err != nil || out != nil {
				replayed = out != nil
				return err
			}
		}
		out, in, err = db.move(ctx, tx, by, t, from, to, key, request[:])
		return err
	})
	if err != nil {
		db.tails.take(t.From) // they may have entries that were not committed
		db.tails.take(t.To)
		return nil, nil, false, err
	}
	return out, in, replayed, nil
}

// lockBoth locks two portfolios, always the one with the lower id first, so that
// two transfers cannot deadlock.
func lockBoth(ctx context.Context, tx pgx.Tx, owner, a, b string) (first, second locked, err error) {
	ids := []string{a, b}
	slices.SortFunc(ids, cmp.Compare[string])
	found := map[string]locked{}
	for _, id := range ids {
		if found[id], err = lock(ctx, tx, owner, id); err != nil {
			return first, second, err
		}
	}
	return found[a], found[b], nil
}

// move records both sides of a transfer.
func (db *DB) move(ctx context.Context, tx pgx.Tx, by backend.Principal, t backend.Transfer, from, to locked,
	key string, request []byte) (out, in []backend.Entry, err error) {
	id, err := newID()
	if err != nil {
		return nil, nil, err
	}
	_, held, err := joined(ctx, tx, from.ID, []string{t.Symbol}) // others do not matter to its lots
	if err != nil {
		return nil, nil, err
	}
	leaving, coming, err := t.Sides(ctx, from.Policy, held, id, from.LastSequence+1)
	if err != nil {
		return nil, nil, err
	}
	if from.TransactionCount+1 > backend.MaxTransactions || to.TransactionCount+len(coming) > backend.MaxTransactions {
		return nil, nil, limitReached("transactions", backend.MaxTransactions)
	}
	if out, err = db.record(ctx, tx, from, []backend.Transaction{leaving}); err != nil {
		return nil, nil, err
	}
	if in, err = db.record(ctx, tx, to, coming); err != nil {
		return nil, nil, err
	}
	if err := keep(ctx, tx, by, from, "", nil, out); err != nil {
		return nil, nil, err
	}
	if err := keep(ctx, tx, by, to, "", nil, in); err != nil {
		return nil, nil, err
	}
	if key != "" {
		err = rememberTransfer(ctx, tx, from, key, request, slices.Concat(out, in))
	}
	return out, in, err
}

func rememberTransfer(ctx context.Context, tx pgx.Tx, p locked, key string, request []byte,
	list []backend.Entry) error {
	var batch pgx.Batch
	remember(&batch, p, key, request, list)
	return tx.SendBatch(ctx, &batch).Close()
}

// replayTransfer returns the two sides that an earlier call with the key
// recorded, as they are now; nil if there was none.
func replayTransfer(ctx context.Context, tx pgx.Tx, t backend.Transfer, key string,
	request []byte) (out, in []backend.Entry, err error) {
	var same bool
	var ids []string
	err = tx.QueryRow(ctx, `
		select request = $3, ids from idempotency
		where portfolio_id = $1 and key = $2 and expires_at > now()`, t.From, key, request).Scan(&same, &ids)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, nil, nil
	case err != nil:
		return nil, nil, err
	case !same:
		return nil, nil, errKeyUsed
	}
	for _, side := range []struct {
		portfolio string
		list      *[]backend.Entry
	}{{t.From, &out}, {t.To, &in}} {
		rows, _ := tx.Query(ctx, "select"+entryColumns+` from transactions t
			where t.portfolio_id = $1 and t.id = any($2::uuid[]) order by t.sequence`, side.portfolio, ids)
		if *side.list, err = pgx.CollectRows(rows, scanEntry); err != nil {
			return nil, nil, err
		}
	}
	if out == nil {
		out = []backend.Entry{} // deleted since
	}
	return out, in, nil
}
