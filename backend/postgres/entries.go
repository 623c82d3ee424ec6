package postgres

import (
	"context"
	"math"

	"portfolio/backend"

	"github.com/jackc/pgx/v5"
)

// GetEntry implements backend.Portfolios.
func (db *DB) GetEntry(ctx context.Context, owner, portfolio, id string) (backend.Entry, error) {
	if err := present(portfolio, id); err != nil {
		return backend.Entry{}, err
	}
	rows, _ := db.pool.Query(ctx, "select"+entryColumns+`
		from transactions t join portfolios p on p.id = t.portfolio_id
		where p.id = $1 and p.owner = $2 and t.id = $3`, portfolio, owner, id)
	e, err := pgx.CollectExactlyOneRow(rows, scanEntry)
	return e, outcome("get transaction", found(err))
}

// listEntries begins after a date and a sequence.
const listEntries = "select" + entryColumns + `
	from transactions t
	where t.portfolio_id = $1 and (t.date, t.sequence) < (date '0001-01-01' - 1 + $2::integer, $3)
	order by t.date desc, t.sequence desc limit $4`

// ListEntries implements backend.Portfolios.
func (db *DB) ListEntries(ctx context.Context, owner, portfolio string,
	page backend.Page) (list []backend.Entry, next string, err error) {
	if err := present(portfolio); err != nil {
		return nil, "", err
	}
	if err := checkPage(page); err != nil {
		return nil, "", err
	}
	name := "transactions\x00" + portfolio
	date, sequence := int64(maxDate), int64(math.MaxInt64)
	if err := readCursor(name, page.After, &date, &sequence); err != nil {
		return nil, "", err
	}
	if date < 1 || date > maxDate {
		return nil, "", badCursor(page.After)
	}
	if _, err := db.GetPortfolio(ctx, owner, portfolio); err != nil {
		return nil, "", err
	}
	rows, _ := db.pool.Query(ctx, listEntries, portfolio, date, sequence, page.Limit+1)
	if list, err = pgx.CollectRows(rows, scanEntry); err != nil {
		return nil, "", outcome("list transactions", err)
	}
	list, more := cut(list, page.Limit)
	if !more {
		return list, "", nil
	}
	last := list[len(list)-1]
	return list, cursorAt(name, int64(last.Date), last.Sequence), nil
}

// maxDate is the last day that PostgreSQL has, 5874897-12-31.
const maxDate = 2_145_762_068

// lockEntry locks a portfolio and returns it with one of its entries, whose version
// must be the given one.
func lockEntry(ctx context.Context, tx pgx.Tx, owner, portfolio, id string,
	version int64) (p locked, e backend.Entry, err error) {
	if p, err = lock(ctx, tx, owner, portfolio); err != nil {
		return p, e, err
	}
	rows, _ := tx.Query(ctx, "select"+entryColumns+" from transactions t where t.portfolio_id = $1 and t.id = $2",
		portfolio, id)
	if e, err = pgx.CollectExactlyOneRow(rows, scanEntry); err == nil && e.Version != version {
		err = versionConflict(version, e.Version)
	}
	return p, e, found(err)
}

// UpdateEntry implements backend.Portfolios.
func (db *DB) UpdateEntry(ctx context.Context, by backend.Principal, portfolio string,
	e backend.Entry) (backend.Entry, error) {
	if err := present(portfolio, e.ID); err != nil {
		return backend.Entry{}, err
	}
	err := db.within(ctx, "update transaction", func(tx pgx.Tx) error {
		p, before, err := lockEntry(ctx, tx, by.Owner, portfolio, e.ID, e.Version)
		if err != nil {
			return err
		}
		e.Sequence, e.Version, e.RecordedAt = before.Sequence, before.Version+1, before.RecordedAt
		if err := db.check(ctx, tx, p, &before.Transaction, e.Transaction); err != nil {
			return err
		}
		var batch pgx.Batch
		batch.Queue(`
			update transactions set kind = $3, date = $4, symbol = $5, quantity = $6, price = $7, amount = $8,
				currency = $9, fee = $10, ratio_new = $11, ratio_old = $12, note = $13, version = $14,
				time = nullif($15, '')::time, tax = $16, fee_currency = $17, to_amount = $18, to_currency = $19,
				acquired = nullif($20, '')::date, to_symbol = $21, cost_fraction = $22, lots = $23, transfer = $24
			where portfolio_id = $1 and id = $2`,
			portfolio, e.ID, e.Kind, e.Date.Midnight(), e.Symbol, e.Quantity, e.Price, e.Amount,
			e.Currency, e.Fee, e.Ratio.New, e.Ratio.Old, e.Note, e.Version,
			e.Time.String(), e.Tax, e.FeeCurrency, e.ToAmount, e.ToCurrency,
			e.Acquired.String(), e.ToSymbol, e.CostFraction, e.Lots, e.Transfer)
		audit(&batch, by, by.Owner, "transaction.update", e.ID, portfolio, before, e)
		if err := raise(&batch, portfolio, 0); err != nil {
			return err
		}
		return tx.SendBatch(ctx, &batch).Close()
	})
	if err != nil {
		db.tails.take(portfolio) // it may have a change that was not committed
		return backend.Entry{}, err
	}
	return e, nil
}

// DeleteEntry implements backend.Portfolios.
func (db *DB) DeleteEntry(ctx context.Context, by backend.Principal, portfolio, id string, version int64) error {
	if err := present(portfolio, id); err != nil {
		return err
	}
	err := db.within(ctx, "delete transaction", func(tx pgx.Tx) error {
		p, before, err := lockEntry(ctx, tx, by.Owner, portfolio, id, version)
		if err != nil {
			return err
		}
		if err := db.check(ctx, tx, p, &before.Transaction); err != nil {
			return err
		}
		var batch pgx.Batch
		batch.Queue("delete from transactions where portfolio_id = $1 and id = $2", portfolio, id)
		audit(&batch, by, by.Owner, "transaction.delete", id, portfolio, before, nil)
		if err := raise(&batch, portfolio, -1); err != nil {
			return err
		}
		return tx.SendBatch(ctx, &batch).Close()
	})
	if err != nil {
		db.tails.take(portfolio) // it may have a change that was not committed
	}
	return err
}
