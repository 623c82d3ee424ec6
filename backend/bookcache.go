package backend

import (
	"container/list"
	"context"
	"sync"
	"time"

	"portfolio/contract/wire"

	"golang.org/x/sync/singleflight"
)

const (
	// maxCachedTransactions bounds the cache: some 400 MB at 800 bytes each.
	maxCachedTransactions = 500_000
	// loadTimeout bounds the reading of one portfolio for all callers that wait for it.
	loadTimeout = 15 * time.Second
)

// loader reads portfolios; see Portfolios.
type loader interface {
	Load(ctx context.Context, owner, id string) (Portfolio, []Transaction, error)
	LoadSince(ctx context.Context, owner, id string, version int64) (p Portfolio, changed []Transaction,
		deleted []string, err error)
}

// bookCache keeps the most recently used portfolios, each at its newest known version,
// up to a number of transactions.
type bookCache struct {
	limit int // transactions
	store loader
	loads singleflight.Group

	mu    sync.Mutex
	byID  map[string]*list.Element // of *cached
	order *list.List               // the most recently used first
	held  int                      // the sizes of all
}

// cached is a book and the size that it was counted with.
type cached struct {
	*book
	id      string
	counted int
}

func newBookCache(limit int, store loader) *bookCache {
	return &bookCache{limit: limit, store: store, byID: map[string]*list.Element{}, order: list.New()}
}

// get returns the book of a portfolio at its version or a later one. The caller
// has made sure that p is its owner's. Of simultaneous calls one loads.
func (c *bookCache) get(ctx context.Context, p Portfolio) (*book, error) {
	if kept := c.peek(p.ID); kept != nil && kept.version() >= p.Version {
		return kept, nil
	}
	loading := c.loads.DoChan(p.ID, func() (any, error) {
		// Not the caller's context, because others wait for the same load.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
		defer cancel()
		return c.load(ctx, p)
	})
	select {
	case <-ctx.Done():
		return nil, &Error{Code: wire.CodeUnavailable,
			Message: "the portfolio could not be read in time, try again", Err: ctx.Err()}
	case result := <-loading:
		if result.Err != nil {
			return nil, result.Err
		}
		if kept := result.Val.(*book); kept.version() >= p.Version {
			return kept, nil
		}
		return c.get(ctx, p) // that load began before p was stored
	}
}

// load brings the cached book of a portfolio up to date, or reads all of it.
func (c *bookCache) load(ctx context.Context, p Portfolio) (*book, error) {
	if kept := c.peek(p.ID); kept != nil {
		if kept.version() >= p.Version {
			return kept, nil // another load has just ended
		}
		newer, changed, deleted, err := c.store.LoadSince(ctx, p.Owner, p.ID, kept.version())
		if err != nil {
			return nil, err
		}
		kept.update(newer, changed, deleted)
		c.put(p.ID, kept)
		return kept, nil
	}
	loaded, txs, err := c.store.Load(ctx, p.Owner, p.ID)
	if err != nil {
		return nil, err
	}
	kept := newBook(loaded, txs)
	c.put(p.ID, kept)
	return kept, nil
}

// peek returns the cached book of a portfolio, nil if there is none.
func (c *bookCache) peek(id string) *book {
	c.mu.Lock()
	defer c.mu.Unlock()
	element := c.byID[id]
	if element == nil {
		return nil
	}
	c.order.MoveToFront(element)
	return element.Value.(*cached).book
}

func (c *bookCache) put(id string, b *book) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.byID[id]; old != nil {
		c.remove(old)
	}
	kept := &cached{book: b, id: id, counted: b.size()}
	c.byID[id] = c.order.PushFront(kept)
	c.held += kept.counted
	for c.held > c.limit && c.order.Len() > 1 {
		c.remove(c.order.Back())
	}
}

func (c *bookCache) remove(element *list.Element) {
	kept := c.order.Remove(element).(*cached)
	delete(c.byID, kept.id)
	c.held -= kept.counted
}
