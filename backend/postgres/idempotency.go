package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"portfolio/backend"

	"github.com/jackc/pgx/v5"
)

func checkKey(key string) error {
	if len(key) > backend.MaxIdempotencyKey || !utf8.ValidString(key) || strings.ContainsRune(key, 0) {
		return &backend.Error{Code: backend.CodeInvalidRequest,
			Message: fmt.Sprintf("idempotency key: got %d bytes, want at most %d of UTF-8 text", len(key),
				backend.MaxIdempotencyKey)}
	}
	return nil
}

// hashOf returns the hash of what the caller chose in a call.
func hashOf(txs []backend.Transaction) ([]byte, error) {
	chosen := slices.Clone(txs)
	for i := range chosen {
		chosen[i].ID, chosen[i].Sequence = "", 0
	}
	return sumOfJSON(chosen)
}

// sumOfJSON returns the SHA-256 of a value's JSON.
func sumOfJSON(value any) ([]byte, error) {
	text, err := json.Marshal(value)
	sum := sha256.Sum256(text)
	return sum[:], err
}

var errKeyUsed = &backend.Error{Code: backend.CodeIdempotencyConflict,
	Message: "idempotency key: got one that was used with another request, want a new one"}

// replay returns what an earlier call with the key recorded, nil if there was none.
func replay(ctx context.Context, tx pgx.Tx, p locked, key string, request []byte,
	txs []backend.Transaction) ([]backend.Entry, error) {
	var same bool
	var first int64
	var ids []string
	var at time.Time
	err := tx.QueryRow(ctx, `
		select request = $3, first_sequence, ids, recorded_at from idempotency
		where portfolio_id = $1 and key = $2 and expires_at > now()`, p.ID, key, request).Scan(&same, &first, &ids, &at)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, err
	case !same:
		return nil, errKeyUsed
	}
	return made(txs, first, ids, at), nil
}

// remember queues the answer to a repeated call.
func remember(batch *pgx.Batch, p locked, key string, request []byte, list []backend.Entry) {
	ids := make([]string, len(list))
	for i, e := range list {
		ids[i] = e.ID
	}
	batch.Queue(`
		insert into idempotency (portfolio_id, key, request, first_sequence, ids, recorded_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7)
		on conflict (portfolio_id, key) do update set request = excluded.request, ids = excluded.ids,
			first_sequence = excluded.first_sequence, recorded_at = excluded.recorded_at, expires_at = excluded.expires_at`,
		p.ID, key, request, list[0].Sequence, ids, p.Now, p.Now.Add(backend.IdempotencyLifetime))
}
