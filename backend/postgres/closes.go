package postgres

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"portfolio/backend"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/jackc/pgx/v5"
)

const (
	// maxClosesSize bounds the closes in memory, in bytes. It is enough for those of 1,500
	// symbols on each day of ten years, and a thirtieth of the memory of an instance.
	maxClosesSize = 128 << 20
	// finalAfter is the age in days from which closes are final, and kept. Every later
	// write of them is counted as a correction: the clocks of two instances, and the
	// beginning and the end of a write, are less than a day apart.
	finalAfter = 3
)

// keptCloses are the closes of a symbol that were read with the last one before a day, up
// to another day. They are right as long as its number of corrections is the same.
type keptCloses struct {
	corrections int64
	from, to    backend.Date
	closes      *backend.Closes // never changed
}

// closes keeps the closes of past days in memory, of the symbols used last. PostgreSQL
// needs a second for a million of them, and they rarely change. It is safe for concurrent
// use, and always up to date, because each use reads the number of corrections.
type closes struct {
	limit int // bytes

	mu   sync.Mutex
	kept *simplelru.LRU[string, keptCloses]
	size int
}

func newCloses(limit int) *closes {
	c := &closes{limit: limit}
	// The list is bounded by size; its own bound is never reached.
	c.kept, _ = simplelru.NewLRU(math.MaxInt, func(_ string, k keptCloses) { c.size -= k.closes.Size() })
	return c
}

// since returns what is kept of symbols that have closes from a day on, by their places.
func (c *closes) since(symbols []string, from backend.Date) []keptCloses {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]keptCloses, len(symbols))
	for i, symbol := range symbols {
		if k, found := c.kept.Get(symbol); found && k.from <= from {
			list[i] = k
		}
	}
	return list
}

// put keeps closes of a symbol, unless it has more.
func (c *closes) put(symbol string, k keptCloses) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old, found := c.kept.Peek(symbol); found {
		if old.corrections == k.corrections && old.from <= k.from && old.to >= k.to {
			return
		}
		c.kept.Remove(symbol)
	}
	c.kept.Add(symbol, k)
	for c.size += k.closes.Size(); c.size > c.limit; {
		c.kept.RemoveOldest()
	}
}

// QuoteSeries implements backend.Market. Of symbols whose closes are in memory, it reads
// only those of the last days.
func (db *DB) QuoteSeries(
	ctx context.Context, symbols []string, from, to backend.Date, each func(string, *backend.Closes) error,
) error {
	if len(symbols) == 0 {
		return nil
	}
	final := min(to, backend.DateOf(time.Now())-finalAfter)
	kept, outdated := db.closes.since(symbols, from), []string(nil)
	joined := &backend.Closes{}
	err := db.readQuotes(ctx, symbols, kept, from, to, func(place int, corrections int64, read *backend.Closes) error {
		symbol, k := symbols[place], kept[place]
		if k.closes == nil {
			db.keepCloses(symbol, keptCloses{corrections, from, final, read})
			return each(symbol, read)
		}
		if k.corrections != corrections {
			outdated = append(outdated, symbol)
			return nil
		}
		newer := read.Since(k.to + 1) // before them is the last one kept
		if k.to < final {
			all := &backend.Closes{}
			all.AppendAll(k.closes, 0, k.closes.Len())
			all.AppendAll(read, newer, read.Len())
			db.keepCloses(symbol, keptCloses{corrections, k.from, final, all})
		}
		joined.Reset()
		joined.AppendAll(k.closes, max(0, k.closes.Since(from)-1), k.closes.Since(to+1))
		joined.AppendAll(read, newer, read.Len())
		return each(symbol, joined)
	})
	if err == nil && len(outdated) > 0 {
		err = db.readQuotes(ctx, outdated, make([]keptCloses, len(outdated)), from, to,
			func(place int, corrections int64, read *backend.Closes) error {
				db.keepCloses(outdated[place], keptCloses{corrections, from, final, read})
				return each(outdated[place], read)
			})
	}
	return outcome("read quotes", err)
}

// keepCloses keeps the closes of days up to k.to, which are final.
func (db *DB) keepCloses(symbol string, k keptCloses) {
	if k.to < k.from {
		return
	}
	final := &backend.Closes{}
	n := k.closes.Since(k.to + 1)
	final.Grow(n)
	final.AppendAll(k.closes, 0, n)
	k.closes = final
	db.closes.put(symbol, k)
}

// readQuotes reads the quotes of symbols from a day on, or from the day after those that
// are kept, with the last one before, and the numbers of corrections.
func (db *DB) readQuotes(
	ctx context.Context, symbols []string, kept []keptCloses, from, to backend.Date,
	each func(place int, corrections int64, read *backend.Closes) error,
) error {
	since := make([]backend.Date, len(symbols))
	for i := range symbols {
		if since[i] = from; kept[i].closes != nil {
			since[i] = kept[i].to + 1 // so that what is kept can be continued
		}
	}
	rows, _ := db.pool.Query(ctx, quoteSeries, symbols, since, to) // readSeries gets the error
	return readSeries(rows, each)
}

// correct queues the count of corrections of the symbols of quotes of past days. It must
// follow the writing of all quotes, so that writers that wait for each other here hold
// no lock that the others need.
func correct(batch *pgx.Batch, quotes []backend.Quote, now time.Time) {
	var symbols []string
	for _, q := range quotes { // sorted by symbol
		if backend.DateOf(q.Time) < backend.DateOf(now) {
			symbols = append(symbols, q.Symbol)
		}
	}
	if len(symbols) == 0 {
		return
	}
	slices.SortFunc(symbols, cmp.Compare[string])
	batch.Queue(`
		insert into corrections (symbol, version) select symbol, 1 from unnest($1::text[]) symbol
		on conflict (symbol) do update set version = corrections.version + 1`, slices.Compact(symbols))
}
