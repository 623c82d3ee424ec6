package postgres

// Reset closes the pool's connections, so that the next query makes a new one.
func (db *DB) Reset() { db.pool.Reset() }
