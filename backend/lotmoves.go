package backend

import (
	"fmt"
	"maps"
)

// Corporate actions copy lots from one holding to another: a merger of a thousand lots
// creates a thousand, and spin-offs back and forth multiply them. The number of copies is
// bounded by the number of entries, as all work is: in a portfolio, and among the symbols that
// corporate actions join.
const (
	maxLotMoves   = 100_000 // in a portfolio
	freeLotMoves  = 1_000   // among joined symbols, and
	movesPerEntry = 50      // for each of their entries
)

// lotMoves counts the lots that corporate actions move. What it counts for joined symbols
// depends only on their entries, so that deriving those alone has the same outcome.
type lotMoves struct {
	made   int
	joined map[string]string   // another one of the joined symbols; none for the last, which has the counts
	counts map[string]lotCount // by symbol
}

// lotCount is the number of joined symbols, of the entries that name one of them, and of the
// lots moved among them.
type lotCount struct{ symbols, entries, made int }

func newLotMoves() lotMoves {
	return lotMoves{joined: map[string]string{}, counts: map[string]lotCount{}}
}

// last returns the one of the symbols joined to a symbol that has the counts.
func (m *lotMoves) last(symbol string) string {
	for {
		next, joined := m.joined[symbol]
		if !joined {
			return symbol
		}
		symbol = next
	}
}

// name counts an entry that names a symbol.
func (m *lotMoves) name(symbol string) {
	symbol = m.last(symbol)
	c := m.counts[symbol]
	c.symbols, c.entries = max(c.symbols, 1), c.entries+1
	m.counts[symbol] = c
}

// add counts the lots that a corporate action is going to move, or refuses it.
func (m *lotMoves) add(tx Transaction, lots int) error {
	from, to := m.last(tx.Symbol), m.last(tx.ToSymbol)
	c := m.counts[from]
	if other := m.counts[to]; from != to {
		if c.symbols > other.symbols { // so that few steps lead to the last one
			from, to = to, from
		}
		c = lotCount{c.symbols + other.symbols, c.entries + other.entries, c.made + other.made}
	}
	c.made += lots
	if limit := freeLotMoves + movesPerEntry*c.entries; c.made > limit {
		return invalid(tx, fmt.Sprintf("lots: got %d moved by corporate actions, want at most %d, which is %d and %d "+
			"for each entry of their symbols", c.made, limit, freeLotMoves, movesPerEntry))
	}
	if made := m.made + lots; made > maxLotMoves {
		return invalid(tx, tooManyMoves(made))
	}
	m.made += lots
	if m.counts[to] = c; from != to {
		m.joined[from] = to
		delete(m.counts, from)
	}
	return nil
}

func tooManyMoves(made int) string {
	return fmt.Sprintf("lots: got %d moved by corporate actions, want at most %d in a portfolio", made, maxLotMoves)
}

// replace takes over what a derivation of only some symbols has counted for them. No
// other symbol is joined to one of them.
func (m *lotMoves) replace(symbols []string, from lotMoves) error {
	for _, symbol := range symbols {
		m.made -= m.counts[symbol].made
		delete(m.counts, symbol)
		delete(m.joined, symbol)
	}
	maps.Copy(m.counts, from.counts)
	maps.Copy(m.joined, from.joined)
	if m.made += from.made; m.made > maxLotMoves {
		return &Error{Code: CodeInvalidRequest, Message: tooManyMoves(m.made)}
	}
	return nil
}

func (m *lotMoves) clone() lotMoves {
	return lotMoves{made: m.made, joined: maps.Clone(m.joined), counts: maps.Clone(m.counts)}
}
