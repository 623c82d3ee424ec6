package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"portfolio/backend"

	"github.com/jackc/pgx/v5"
)

// entryColumns are what scanEntry reads. Dates and times of day are the numbers
// of backend.Date and backend.Clock, and decimals are texts without the zeros that
// fill numeric(36, 18).
const entryColumns = `
	t.id::text, t.sequence, t.kind, t.date - date '0001-01-01' + 1,
	coalesce(extract(epoch from t.time)::integer + 1, 0), t.symbol,
	trim_scale(t.quantity)::text, trim_scale(t.price)::text, trim_scale(t.amount)::text,
	t.currency, trim_scale(t.fee)::text, t.ratio_new, t.ratio_old, t.note,
	trim_scale(t.tax)::text, t.fee_currency, trim_scale(t.to_amount)::text, t.to_currency,
	coalesce(t.acquired - date '0001-01-01' + 1, 0), t.to_symbol, trim_scale(t.cost_fraction)::text,
	t.lots, t.transfer, t.version, t.recorded_at`

// scanEntry reads the columns by position, because a portfolio may have many entries.
func scanEntry(row pgx.CollectableRow) (e backend.Entry, err error) {
	err = row.Scan(&e.ID, &e.Sequence, &e.Kind, &e.Date, &e.Time, &e.Symbol, &e.Quantity, &e.Price, &e.Amount,
		&e.Currency, &e.Fee, &e.Ratio.New, &e.Ratio.Old, &e.Note,
		&e.Tax, &e.FeeCurrency, &e.ToAmount, &e.ToCurrency, &e.Acquired, &e.ToSymbol, &e.CostFraction,
		&e.Lots, &e.Transfer, &e.Version, &e.RecordedAt)
	return e, err
}

// transactions returns the transactions of a portfolio, or only those of some symbols.
func transactions(ctx context.Context, tx pgx.Tx, portfolio string, symbols ...string) ([]backend.Transaction, error) {
	query, arguments := "select"+entryColumns+" from transactions t where t.portfolio_id = $1", []any{portfolio}
	if len(symbols) > 0 {
		query += " and (t.symbol = any($2) or t.to_symbol <> '' and t.to_symbol = any($2))" // each side has an index
		arguments = append(arguments, symbols)
	}
	rows, _ := tx.Query(ctx, query, arguments...) // CollectRows returns the error
	return pgx.CollectRows(rows, scanTransaction)
}

func scanTransaction(row pgx.CollectableRow) (backend.Transaction, error) {
	e, err := scanEntry(row)
	return e.Transaction, err
}

// check returns the error of deriving a portfolio without one of its entries and with
// further ones. It reads only entries of the same symbols, because others do not matter
// to whether these are possible (see backend.Derive), or none if all take effect after
// the last entry of a large portfolio.
func (db *DB) check(ctx context.Context, tx pgx.Tx, p locked, without *backend.Transaction,
	with ...backend.Transaction) error {
	tail := db.tails.take(p.ID)
	if !tail.Covers(p.Portfolio) {
		tail = nil
	}
	if without == nil && p.TransactionCount >= db.tails.from {
		var appended bool
		var err error
		if tail, appended, err = appendTo(ctx, tx, tail, p, with); err != nil {
			return err
		}
		if appended {
			db.tails.put(p.ID, tail)
			return nil
		}
	}
	symbols, kept, err := related(ctx, tx, p.ID, tail == nil, without, with) // a tail knows what others move
	if err != nil {
		return err
	}
	if tail == nil {
		_, err := backend.Derive(ctx, p.Policy, kept, end)
		return err
	}
	added := len(with)
	if without != nil {
		added--
	}
	if err := tail.Replace(ctx, p.Portfolio, p.Version+1, added, symbols, kept); err != nil {
		return err
	}
	db.tails.put(p.ID, tail)
	return nil
}

// related returns the entries that decide whether a change is possible, after it, and
// the symbols that they name. With allActions, a change that concerns a spin-off or a merger
// needs the entries of all others, too, because the lots that they move together are limited.
func related(
	ctx context.Context, tx pgx.Tx, portfolio string, allActions bool,
	without *backend.Transaction, with []backend.Transaction,
) (symbols []string, kept []backend.Transaction, err error) {
	changed := with
	if without != nil {
		changed = append(slices.Clip(with), *without)
	}
	symbols, kept, err = joined(ctx, tx, portfolio, symbolsOf(nil, changed...))
	if err != nil {
		return nil, nil, err
	}
	if allActions && (slices.ContainsFunc(kept, isAction) || slices.ContainsFunc(changed, isAction)) {
		if symbols, err = withActions(ctx, tx, portfolio, symbols); err != nil {
			return nil, nil, err
		}
		if symbols, kept, err = joined(ctx, tx, portfolio, symbols); err != nil {
			return nil, nil, err
		}
	}
	if without != nil {
		kept = slices.DeleteFunc(kept, func(t backend.Transaction) bool { return t.ID == without.ID })
	}
	return symbols, append(kept, with...), nil
}

// joined returns the entries of symbols and of those that a spin-off or a merger joins to
// them, and all these symbols.
func joined(
	ctx context.Context, tx pgx.Tx, portfolio string, symbols []string,
) (all []string, kept []backend.Transaction, err error) {
	for known := 0; known < len(symbols); {
		known = len(symbols)
		if kept, err = transactions(ctx, tx, portfolio, symbols...); err != nil {
			return nil, nil, err
		}
		symbols = symbolsOf(symbols, kept...)
	}
	return symbols, kept, nil
}

// withActions adds the symbols of all spin-offs and mergers of a portfolio.
func withActions(ctx context.Context, tx pgx.Tx, portfolio string, symbols []string) ([]string, error) {
	rows, _ := tx.Query(ctx, "select"+entryColumns+` from transactions t
		where t.portfolio_id = $1 and t.to_symbol <> ''`, portfolio)
	all, err := pgx.CollectRows(rows, scanTransaction)
	return symbolsOf(symbols, all...), err
}

// isAction reports whether an entry turns units of one symbol into units of another.
func isAction(t backend.Transaction) bool { return t.ToSymbol != "" }

// symbolsOf adds the symbols of entries that the list does not have.
func symbolsOf(symbols []string, txs ...backend.Transaction) []string {
	set := make(map[string]bool, len(symbols))
	for _, symbol := range symbols {
		set[symbol] = true
	}
	for i := range txs {
		for _, symbol := range []string{txs[i].Symbol, txs[i].ToSymbol} {
			if symbol != "" && !set[symbol] {
				set[symbol], symbols = true, append(symbols, symbol)
			}
		}
	}
	return symbols
}

// appendTo appends entries to the tail of a large portfolio, which it derives if there is
// none, and reports whether they take effect after all others.
func appendTo(
	ctx context.Context, tx pgx.Tx, tail *backend.Tail, p locked, with []backend.Transaction,
) (*backend.Tail, bool, error) {
	if tail == nil {
		var last backend.Date
		err := tx.QueryRow(ctx, `
			select coalesce(max(date) - date '0001-01-01' + 1, 0) from transactions
			where portfolio_id = $1`, p.ID).Scan(&last)
		if err != nil || slices.ContainsFunc(with, func(t backend.Transaction) bool { return t.Date < last }) {
			return nil, false, err // a tail would cost more than it saves
		}
		txs, err := transactions(ctx, tx, p.ID)
		if err != nil {
			return nil, false, err
		}
		if tail, err = backend.NewTail(ctx, p.Portfolio, txs); err != nil {
			return nil, false, err
		}
	}
	appended, err := tail.Append(ctx, p.Portfolio, p.Version+1, with)
	return tail, appended, err
}

// Record implements backend.Portfolios.
func (db *DB) Record(ctx context.Context, by backend.Principal, portfolio, key string,
	txs []backend.Transaction) (recorded []backend.Entry, replayed bool, err error) {
	if err := errors.Join(present(portfolio), checkKey(key), checkCount(len(txs))); err != nil {
		return nil, false, err
	}
	request, err := hashOf(txs)
	if err != nil {
		return nil, false, err
	}
	err = db.within(ctx, "record", func(tx pgx.Tx) error {
		p, err := lock(ctx, tx, by.Owner, portfolio)
		if err != nil {
			return err
		}
		if key != "" {
			if recorded, err = replay(ctx, tx, p, key, request, txs); err != nil || recorded != nil {
				replayed = recorded != nil
				return err
			}
		}
		if p.TransactionCount+len(txs) > backend.MaxTransactions {
			return limitReached("transactions", backend.MaxTransactions)
		}
		if recorded, err = db.record(ctx, tx, p, txs); err != nil {
			return err
		}
		return keep(ctx, tx, by, p, key, request, recorded)
	})
	if err != nil {
		db.tails.take(portfolio) // it may have entries that were not committed
		return nil, false, err
	}
	return recorded, replayed, nil
}

func checkCount(n int) error {
	if n < 1 || n > backend.MaxImport {
		return &backend.Error{Code: backend.CodeInvalidRequest,
			Message: fmt.Sprintf("transactions: got %d, want 1–%d", n, backend.MaxImport)}
	}
	return nil
}

// made returns transactions as they are recorded.
func made(txs []backend.Transaction, first int64, ids []string, at time.Time) []backend.Entry {
	list := make([]backend.Entry, len(txs))
	for i, t := range txs {
		t.ID, t.Sequence = ids[i], first+int64(i)
		list[i] = backend.Entry{Transaction: t, Version: 1, RecordedAt: at}
	}
	return list
}

// record derives and stores entries.
func (db *DB) record(ctx context.Context, tx pgx.Tx, p locked, txs []backend.Transaction) ([]backend.Entry, error) {
	named := slices.Clone(txs)
	ids := make([]string, len(txs))
	var err error
	for i := range named {
		if named[i].Sequence = p.LastSequence + 1 + int64(i); named[i].ID == "" {
			named[i].ID = fmt.Sprintf("entry %d", i+1)
		}
		if ids[i], err = newID(); err != nil {
			return nil, err
		}
	}
	if err := db.check(ctx, tx, p, nil, named...); err != nil {
		return nil, err
	}
	return made(txs, p.LastSequence+1, ids, p.Now), nil
}

// keep writes new entries and their audit.
func keep(ctx context.Context, tx pgx.Tx, by backend.Principal, p locked, key string, request []byte,
	list []backend.Entry) error {
	var batch pgx.Batch
	batch.Queue(`
		insert into transactions (portfolio_id, id, sequence, kind, date, symbol, quantity, price, amount,
			currency, fee, ratio_new, ratio_old, note, version, recorded_at,
			time, tax, fee_currency, to_amount, to_currency, acquired, to_symbol, cost_fraction, lots, transfer)
		select $1, id, sequence, kind, date, coalesce(symbol, ''), quantity, price, amount,
			coalesce(currency, ''), fee, (ratio->>'new')::integer, (ratio->>'old')::integer, coalesce(note, ''),
			version, recorded_at,
			time, coalesce(tax, 0), coalesce(fee_currency, ''), coalesce(to_amount, 0), coalesce(to_currency, ''),
			acquired, coalesce(to_symbol, ''), coalesce(cost_fraction, 0), lots, coalesce(transfer, '')
		from json_to_recordset($2) as t (id uuid, sequence bigint, kind text, date date, symbol text,
			quantity numeric, price numeric, amount numeric, currency text, fee numeric, ratio json,
			note text, version bigint, recorded_at timestamptz, time time, tax numeric, fee_currency text,
			to_amount numeric, to_currency text, acquired date, to_symbol text, cost_fraction numeric,
			lots jsonb, transfer text)`, p.ID, list)
	batch.Queue(`
		insert into audit (owner, key_id, action, subject, portfolio_id, after)
		select $1, nullif($2, '')::uuid, 'transaction.create', (e->>'id')::uuid, $3, e
		from json_array_elements($4) e`, p.Owner, by.KeyID, p.ID, list)
	if key != "" {
		remember(&batch, p, key, request, list)
	}
	if err := raise(&batch, p.ID, len(list)); err != nil {
		return err
	}
	return tx.SendBatch(ctx, &batch).Close()
}

// raise queues a new version of a portfolio with a changed number of entries.
func raise(batch *pgx.Batch, portfolio string, added int) error {
	batch.Queue(`
		update portfolios set version = version + 1, updated_at = now(),
			transaction_count = transaction_count + $2, last_sequence = last_sequence + greatest($2, 0)
		where id = $1`, portfolio, added)
	return announce(batch, backend.Change{Portfolio: portfolio})
}
