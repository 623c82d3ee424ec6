package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"portfolio/backend"

	"github.com/jackc/pgx/v5"
)

var _ backend.Instruments = (*DB)(nil)

const instrumentColumns = ` i.symbol, i.name, i.isin, i.mic, i.currency, i.asset_class, i.sector, i.country, i.minor_unit,
	i.source, i.source_id, array(select alias from instrument_aliases a where a.symbol = i.symbol order by alias) as aliases`

// instrumentLocks makes two instruments with one alias wait for each other.
const instrumentLocks int64 = 0x696e737472756d

// PutInstrument implements backend.Instruments.
func (db *DB) PutInstrument(ctx context.Context, by backend.Principal, i backend.Instrument,
	now time.Time) (backend.Instrument, error) {
	if err := i.Validate(); err != nil {
		return backend.Instrument{}, invalid(err)
	}
	id, err := newID()
	if err != nil {
		return backend.Instrument{}, err
	}
	err = db.within(ctx, "keep instrument", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1)", instrumentLocks); err != nil {
			return err
		}
		if err := freeNames(ctx, tx, i); err != nil {
			return err
		}
		var batch pgx.Batch
		batch.Queue(`
			insert into instruments (symbol, name, isin, mic, currency, asset_class, sector, country, minor_unit,
				source, source_id, updated_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
			on conflict (symbol) do update set name = excluded.name, isin = excluded.isin, mic = excluded.mic,
				currency = excluded.currency, asset_class = excluded.asset_class, sector = excluded.sector,
				country = excluded.country, minor_unit = excluded.minor_unit, source = excluded.source,
				source_id = excluded.source_id, updated_at = excluded.updated_at`,
			i.Symbol, i.Name, i.ISIN, i.MIC, i.Currency, i.AssetClass, i.Sector, i.Country, i.MinorUnit,
			i.Source, i.SourceID, now)
		batch.Queue("delete from instrument_aliases where symbol = $1", i.Symbol)
		batch.Queue("insert into instrument_aliases (alias, symbol) select unnest($2::text[]), $1", i.Symbol, i.Aliases)
		audit(&batch, by, by.Owner, "instrument.put", id, "", nil, i)
		if err := announce(&batch, backend.Change{Instruments: true}); err != nil {
			return err
		}
		return tx.SendBatch(ctx, &batch).Close()
	})
	if err != nil {
		return backend.Instrument{}, err
	}
	return db.GetInstrument(ctx, i.Symbol)
}

// freeNames refuses a symbol or an alias that names another instrument.
func freeNames(ctx context.Context, tx pgx.Tx, i backend.Instrument) error {
	rows, _ := tx.Query(ctx, `
		select alias from instrument_aliases where symbol <> $1 and (alias = $1 or alias = any($2))
		union select symbol from instruments where symbol <> $1 and symbol = any($2)
		order by 1`, i.Symbol, i.Aliases) // CollectRows returns the error
	taken, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(taken) == 0 {
		return err
	}
	return &backend.Error{Code: backend.CodeInvalidRequest,
		Message: fmt.Sprintf("aliases: got %s, want symbols that name no other instrument", strings.Join(taken, ", "))}
}

// GetInstrument implements backend.Instruments.
func (db *DB) GetInstrument(ctx context.Context, symbol string) (backend.Instrument, error) {
	rows, _ := db.pool.Query(ctx, "select"+instrumentColumns+" from instruments i where i.symbol = $1", symbol)
	i, err := one[backend.Instrument](rows)
	return i, outcome("read instrument", err)
}

// ListInstruments implements backend.Instruments.
func (db *DB) ListInstruments(ctx context.Context, search string,
	page backend.Page) ([]backend.Instrument, string, error) {
	escaped := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(search)
	rows, _ := db.pool.Query(ctx, "select"+instrumentColumns+` from instruments i
		where i.symbol > $1 and ($2 = '' or i.symbol ilike $2 || '%' or i.isin ilike $2 || '%'
			or i.name ilike '%' || $2 || '%'
			or exists (select from instrument_aliases a where a.symbol = i.symbol and a.alias ilike $2 || '%'))
		order by i.symbol limit $3`, page.After, escaped, page.Limit+1) // CollectRows returns the error
	list, err := pgx.CollectRows(rows, pgx.RowToStructByNameLax[backend.Instrument])
	if err != nil || len(list) <= page.Limit {
		return list, "", outcome("list instruments", err)
	}
	return list[:page.Limit], list[page.Limit-1].Symbol, nil
}

// InstrumentsOf implements backend.Instruments.
func (db *DB) InstrumentsOf(ctx context.Context, symbols []string) (map[string]backend.Instrument, error) {
	rows, _ := db.pool.Query(ctx, "select"+instrumentColumns+" from instruments i where i.symbol = any($1)", symbols)
	list, err := pgx.CollectRows(rows, pgx.RowToStructByNameLax[backend.Instrument])
	known := map[string]backend.Instrument{}
	for _, i := range list {
		known[i.Symbol] = i
	}
	return known, outcome("read instruments", err)
}

// SymbolsOf implements backend.Instruments.
func (db *DB) SymbolsOf(ctx context.Context, texts []string) (map[string][]string, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	rows, _ := db.pool.Query(ctx, `
		select alias, symbol from instrument_aliases where alias = any($1)
		union select isin, symbol from instruments where isin <> '' and isin = any($1) order by 1, 2`, texts)
	symbols := map[string][]string{}
	var text, symbol string
	_, err := pgx.ForEachRow(rows, []any{&text, &symbol}, func() error {
		symbols[text] = append(symbols[text], symbol)
		return nil
	})
	return symbols, outcome("find symbols", err)
}

// InstrumentNames returns the names of all instruments by symbol.
func (db *DB) InstrumentNames(ctx context.Context) (map[string]string, error) {
	rows, _ := db.pool.Query(ctx, "select symbol, name from instruments where name <> ''")
	names := map[string]string{}
	var symbol, name string
	_, err := pgx.ForEachRow(rows, []any{&symbol, &name}, func() error {
		names[symbol] = name
		return nil
	})
	return names, outcome("read names", err)
}
