package postgres

// Reset closes the pool's connections, so that the next query makes a new one.
func (db *DB) Reset() { db.pool.Reset() }

// KeepTailsFrom sets the number of entries from which a tail is kept.
func (db *DB) KeepTailsFrom(entries int) { db.tails.from = entries }
