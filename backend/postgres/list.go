package postgres

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"portfolio/backend"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// present returns errNotFound for ids that are not UUIDs.
func present(ids ...string) error {
	for _, id := range ids {
		if !backend.ValidID(id) {
			return errNotFound
		}
	}
	return nil
}

var errNotFound = &backend.Error{Code: backend.CodeNotFound, Message: "nothing has this ID"}

// newID returns an id that sorts after earlier ones.
func newID() (string, error) {
	id, err := uuid.NewV7()
	return id.String(), err
}

// A cursor is the place of the last entry of a page with a checksum over it and the
// list's name. The checksum does not protect anything, because a list has only its
// owner's entries wherever it begins: it detects a damaged cursor, or one of another
// list.
const cursorSum = 8

func sumOf(list string, place []byte) []byte {
	sum := sha256.Sum256(append([]byte(list+"\x00"), place...))
	return sum[:cursorSum]
}

// cursorAt makes a cursor of numbers.
func cursorAt(list string, place ...int64) string {
	var b []byte
	for _, n := range place {
		b = binary.BigEndian.AppendUint64(b, uint64(n)) //nolint:gosec // converted back by readCursor
	}
	return base64.RawURLEncoding.EncodeToString(append(b, sumOf(list, b)...))
}

// readCursor sets places to those of a cursor. Without one, it does not change them.
func readCursor(list, cursor string, places ...*int64) error {
	if cursor == "" {
		return nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(b) != 8*len(places)+cursorSum ||
		!bytes.Equal(b[8*len(places):], sumOf(list, b[:8*len(places)])) {
		return badCursor(cursor)
	}
	for i := range places {
		*places[i] = int64(binary.BigEndian.Uint64(b[8*i:])) //nolint:gosec // as cursorAt wrote it
	}
	return nil
}

func badCursor(cursor string) error {
	return &backend.Error{Code: backend.CodeInvalidRequest,
		Message: fmt.Sprintf("after: got %.40q, want the cursor that the previous page returned", cursor)}
}

// halves returns an id as the two numbers in a cursor.
func halves(id string) (high, low int64) {
	u := uuid.MustParse(id)                                                             // from the database
	return int64(binary.BigEndian.Uint64(u[:8])), int64(binary.BigEndian.Uint64(u[8:])) //nolint:gosec // bits
}

func whole(high, low int64) string {
	var u uuid.UUID
	binary.BigEndian.PutUint64(u[:8], uint64(high)) //nolint:gosec // bits
	binary.BigEndian.PutUint64(u[8:], uint64(low))  //nolint:gosec // bits
	return u.String()
}

// listByID returns a page of a list that is in the order of its ids. The query
// takes the owner, the id to begin after, and how many.
func listByID[T any](ctx context.Context, db *DB, name, query, owner string, page backend.Page,
	id func(T) string) ([]T, string, error) {
	if err := checkPage(page); err != nil {
		return nil, "", err
	}
	name += "\x00" + owner
	var high, low int64 // the id before all others
	if err := readCursor(name, page.After, &high, &low); err != nil {
		return nil, "", err
	}
	rows, _ := db.pool.Query(ctx, query, owner, whole(high, low), page.Limit+1) // CollectRows returns the error
	list, err := pgx.CollectRows(rows, pgx.RowToStructByNameLax[T])
	if err != nil {
		return nil, "", outcome("list", err)
	}
	list, more := cut(list, page.Limit)
	if !more {
		return list, "", nil
	}
	high, low = halves(id(list[len(list)-1]))
	return list, cursorAt(name, high, low), nil
}

// cut removes the entry after the page, which shows that there are more.
func cut[T any](list []T, limit int) ([]T, bool) {
	if len(list) <= limit {
		return list, false
	}
	return list[:limit], true
}

func checkPage(page backend.Page) error {
	if page.Limit < 1 || page.Limit > backend.MaxPage {
		return &backend.Error{Code: backend.CodeInvalidRequest,
			Message: fmt.Sprintf("limit: got %d, want 1–%d", page.Limit, backend.MaxPage)}
	}
	return nil
}
