package backend

import (
	"fmt"
	"maps"
)

// Corporate actions copy lots from one holding to another: a merger of a thousand lots
// creates a thousand, and spin-offs back and forth multiply them. The number of copies is
// bounded by the number of entries, as all work is.
const (
	maxLotMoves   = 100_000
	freeLotMoves  = 1_000
	movesPerEntry = 50
)

// lotMoves counts the lots that corporate actions move. The count and its limit depend
// only on entries that name the symbol of a corporate action, so that a derivation of
// those entries alone has the same outcome.
type lotMoves struct {
	made    int
	limit   int
	entries map[string]int  // by symbol that they name
	counted map[string]bool // symbols of corporate actions, whose entries raise the limit
}

func newLotMoves() lotMoves {
	return lotMoves{limit: freeLotMoves, entries: map[string]int{}, counted: map[string]bool{}}
}

// name counts an entry that names a symbol.
func (m *lotMoves) name(symbol string) {
	if m.entries[symbol]++; m.counted[symbol] {
		m.limit += movesPerEntry
	}
}

// add counts the lots that a corporate action is going to move, or refuses it.
func (m *lotMoves) add(tx Transaction, lots int) error {
	for _, symbol := range []string{tx.Symbol, tx.ToSymbol} {
		if !m.counted[symbol] {
			m.counted[symbol] = true
			m.limit += movesPerEntry * m.entries[symbol]
		}
	}
	if limit := min(m.limit, maxLotMoves); m.made+lots > limit {
		return invalid(tx, fmt.Sprintf("lots: got %d moved by corporate actions, want at most %d, which is %d and %d "+
			"for each entry of their symbols, up to %d", m.made+lots, limit, freeLotMoves, movesPerEntry, maxLotMoves))
	}
	m.made += lots
	return nil
}

// replace takes over the entries of symbols from a derivation of only those. They
// are all symbols of corporate actions, or none of them.
func (m *lotMoves) replace(symbols []string, from lotMoves) {
	if joined := len(from.counted) > 0; joined || m.anyOf(symbols) {
		m.made, m.limit, m.counted = from.made, from.limit, from.counted
	}
	for _, symbol := range symbols {
		m.entries[symbol] = from.entries[symbol]
	}
}

func (m *lotMoves) anyOf(symbols []string) bool {
	for _, symbol := range symbols {
		if m.counted[symbol] {
			return true
		}
	}
	return false
}

func (m *lotMoves) clone() lotMoves {
	return lotMoves{made: m.made, limit: m.limit, entries: maps.Clone(m.entries), counted: maps.Clone(m.counted)}
}
