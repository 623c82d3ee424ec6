package backend

import (
	"container/list"
	"context"
	"slices"
	"sync"
	"time"

	"portfolio/contract/wire"

	"golang.org/x/sync/singleflight"
)

const (
	// maxCachedTransactions bounds what is kept: some 200 MB at 400 bytes each.
	maxCachedTransactions = 500_000
	// loadTimeout is of reading one portfolio, for all who wait for it.
	loadTimeout = 15 * time.Second
	// maxViews is how many days of one portfolio are kept.
	maxViews = 4
)

// ledgerCache keeps the portfolios used last, each at its newest version known,
// as many as their transactions allow.
type ledgerCache struct {
	limit int // transactions
	load  func(ctx context.Context, owner, id string) (Portfolio, []Transaction, error)
	loads singleflight.Group

	mu    sync.Mutex
	byID  map[string]*list.Element // of *ledgers
	order *list.List               // the one used last first
	held  int                      // transactions, and one for each portfolio
}

func newLedgerCache(limit int, load func(context.Context, string, string) (Portfolio, []Transaction, error)) *ledgerCache {
	return &ledgerCache{limit: limit, load: load, byID: map[string]*list.Element{}, order: list.New()}
}

// get gives what there is of a portfolio at its version or a later one. The
// caller has made sure that p is its owner's. Of simultaneous calls one loads.
func (c *ledgerCache) get(ctx context.Context, p Portfolio) (*ledgers, error) {
	if kept := c.find(p); kept != nil {
		return kept, nil
	}
	loading := c.loads.DoChan(p.ID, func() (any, error) {
		// Not the caller's context: others wait for the same.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
		defer cancel()
		loaded, txs, err := c.load(ctx, p.Owner, p.ID)
		if err != nil {
			return nil, err
		}
		slices.SortFunc(txs, Transaction.Compare)
		kept := &ledgers{portfolio: loaded, txs: txs, views: map[Date]view{}}
		c.put(kept)
		return kept, nil
	})
	select {
	case <-ctx.Done():
		return nil, &Error{Code: wire.CodeUnavailable, Message: "the portfolio could not be read in time, try again", Err: ctx.Err()}
	case result := <-loading:
		if result.Err != nil {
			return nil, result.Err
		}
		if kept := result.Val.(*ledgers); kept.portfolio.Version >= p.Version {
			return kept, nil
		}
		return c.get(ctx, p) // that load began before p was written
	}
}

func (c *ledgerCache) find(p Portfolio) *ledgers {
	c.mu.Lock()
	defer c.mu.Unlock()
	element := c.byID[p.ID]
	if element == nil || element.Value.(*ledgers).portfolio.Version < p.Version {
		return nil
	}
	c.order.MoveToFront(element)
	return element.Value.(*ledgers)
}

// peek gives what is kept of a portfolio, nil for nothing.
func (c *ledgerCache) peek(id string) *ledgers { return c.find(Portfolio{ID: id}) }

func (c *ledgerCache) put(kept *ledgers) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.byID[kept.portfolio.ID]; old != nil {
		c.remove(old)
	}
	c.byID[kept.portfolio.ID] = c.order.PushFront(kept)
	c.held += kept.size()
	for c.held > c.limit && c.order.Len() > 1 {
		c.remove(c.order.Back())
	}
}

func (c *ledgerCache) remove(element *list.Element) {
	kept := c.order.Remove(element).(*ledgers)
	delete(c.byID, kept.portfolio.ID)
	c.held -= kept.size()
}

// ledgers is all that follows from one version of a portfolio.
type ledgers struct {
	portfolio Portfolio
	txs       []Transaction // in the order they take effect

	mu    sync.Mutex
	views map[Date]view // by the day of the last transaction counted
}

// view is the ledger through a day, and what it takes to value it.
type view struct {
	ledger     Ledger
	symbols    []string   // with units
	currencies []Currency // with cash or units
}

func (l *ledgers) size() int { return len(l.txs) + 1 }

// through gives the view through a day. Days without a transaction share that of
// the last one before that has.
func (l *ledgers) through(d Date) (view, error) {
	after, _ := slices.BinarySearchFunc(l.txs, d+1, func(t Transaction, d Date) int { return int(t.Date - d) })
	counted := Date(0)
	if after > 0 {
		counted = l.txs[after-1].Date
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	v, found := l.views[counted]
	if !found {
		var err error
		if v.ledger, err = Derive(l.portfolio.Policy, l.txs[:after], d); err != nil {
			return view{}, err
		}
		for _, h := range v.ledger.Holdings {
			if !h.Quantity.IsZero() {
				v.symbols = append(v.symbols, h.Symbol)
			}
		}
		v.currencies = v.ledger.Currencies()
		if len(l.views) >= maxViews {
			clear(l.views)
		}
		l.views[counted] = v
	}
	v.ledger.Through = d
	return v, nil
}
