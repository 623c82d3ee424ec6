package valkey

import (
	"math/rand/v2"
	"time"

	"portfolio/backend"
)

// price is what is known under a key: a quote or a rate, or that there is none.
type price struct {
	quote   *backend.Quote
	rate    *backend.Rate
	until   time.Time // unknown from then on
	changed bool      // Valkey may be behind the database
	version uint64    // increases with each change
}

// The prefixes of keys, in this instance's memory and in Valkey.
const (
	quotePrefix = "quote:"
	ratePrefix  = "rate:"
)

func pairKey(p backend.Pair) string { return string(appendPair(nil, p)) }

func appendPair(key []byte, p backend.Pair) []byte {
	return append(append(append(append(key, ratePrefix...), p.From...), ':'), p.To...)
}

// Changed handles a change made at any instance. It must be called before anything
// reads prices because of the change.
func (q *Quotes) Changed(c backend.Change) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, symbol := range c.Symbols {
		q.change(quotePrefix + symbol)
	}
	for _, pair := range c.Pairs {
		q.change(pairKey(pair))
	}
}

// Changes returns a number that grows with each change known to this instance.
func (q *Quotes) Changes() uint64 { return q.counter.Load() }

// Lost forgets everything, because changes may have been missed.
func (q *Quotes) Lost() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for key := range q.known {
		q.change(key)
	}
	q.directUntil = time.Now().Add(lostAge)
}

// change marks a key as changed; the lock is held.
func (q *Quotes) change(key string) {
	p := q.entry(key)
	*p = price{changed: true, version: q.counter.Add(1)}
}

// entry returns what is known under a key, creating it if needed; the lock is held.
func (q *Quotes) entry(key string) *price {
	p := q.known[key]
	if p == nil {
		if len(q.known) >= maxKnown {
			for other := range q.known { // any one: it is read again when needed
				delete(q.known, other)
				break
			}
		}
		p = &price{version: q.counter.Add(1)}
		q.known[key] = p
	}
	return p
}

// remembered adds the prices that this instance knows to out and returns the other
// keys.
func (q *Quotes) remembered(symbols []string, currencies []backend.Currency,
	out backend.Prices) (missing []string, version uint64) {
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	look := func(key []byte) {
		p := q.known[string(key)] // needs no copy of the key
		if p != nil && now.Before(p.until) {
			add(p, out)
			return
		}
		p = q.entry(string(key))
		missing, version = append(missing, string(key)), max(version, p.version)
	}
	key := make([]byte, 0, 64)
	for _, symbol := range symbols {
		look(append(append(key, quotePrefix...), symbol...))
	}
	for _, from := range currencies {
		for _, to := range currencies {
			if from != to {
				look(appendPair(key, backend.Pair{From: from, To: to}))
			}
		}
	}
	return missing, version
}

func add(p *price, out backend.Prices) {
	if p.quote != nil {
		out.Quotes[p.quote.Symbol] = *p.quote
	}
	if p.rate != nil {
		out.Rates[p.rate.Pair] = *p.rate
	}
}

func (q *Quotes) remember(keys []string, began map[string]uint64, found map[string]price) {
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, key := range keys {
		p := q.entry(key)
		if p.version != began[key] {
			continue
		}
		got, known := found[key]
		until := now.Add(q.jittered())
		if !known {
			until = now.Add(min(noneAge, q.ttl))
		}
		*p = price{quote: got.quote, rate: got.rate, until: until, version: p.version}
	}
}

// jittered returns the TTL, plus or minus up to a tenth, so that prices that were read
// together do not all expire together.
func (q *Quotes) jittered() time.Duration {
	return q.ttl*9/10 + rand.N(q.ttl/5) //nolint:gosec // it spreads load and guards nothing
}
