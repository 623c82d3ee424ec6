package postgres

import (
	"context"

	"portfolio/backend"
	"portfolio/backend/source"

	"github.com/jackc/pgx/v5"
)

var _ backend.Proposals = (*DB)(nil)

// maxProposals limits the open proposals that are listed for a portfolio.
const maxProposals = 1_000

// Propose offers corporate actions to the portfolios that had entries of their symbols
// before, unless they have such an entry. The same ones may come again.
func (db *DB) Propose(ctx context.Context, actions []source.Action) error {
	var batch pgx.Batch
	for _, a := range actions {
		batch.Queue(`
			insert into proposals (id, portfolio_id, symbol, kind, date, source, entry)
			select gen_random_uuid(), p.id, $1, $2, date '0001-01-01' - 1 + $3::integer, $4, $5 from portfolios p
			where exists (select from transactions t where t.portfolio_id = p.id and t.symbol = $1
					and t.date < date '0001-01-01' - 1 + $3::integer)
				and not exists (select from transactions t where t.portfolio_id = p.id and t.symbol = $1 and t.kind = $2
					and t.date = date '0001-01-01' - 1 + $3::integer)
			on conflict do nothing`,
			a.Symbol, string(a.Entry.Kind), int64(a.Entry.Date), a.Source, a.Entry)
	}
	return outcome("propose", db.pool.SendBatch(ctx, &batch).Close())
}

// ListProposals implements backend.Proposals.
func (db *DB) ListProposals(ctx context.Context, owner, portfolio string) ([]backend.Proposal, error) {
	if err := present(portfolio); err != nil {
		return nil, err
	}
	rows, _ := db.pool.Query(ctx, `
		select q.id::text, q.source, q.entry from proposals q join portfolios p on p.id = q.portfolio_id
		where p.id = $1 and p.owner = $2 and q.open order by q.date, q.symbol, q.kind limit $3`,
		portfolio, owner, maxProposals) // CollectRows returns the error
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[backend.Proposal])
	return list, outcome("list proposals", err)
}

// CloseProposal implements backend.Proposals.
func (db *DB) CloseProposal(ctx context.Context, owner, portfolio, id string) error {
	if err := present(portfolio, id); err != nil {
		return err
	}
	tag, err := db.pool.Exec(ctx, `
		update proposals q set open = false from portfolios p
		where q.id = $3 and q.open and p.id = q.portfolio_id and p.id = $1 and p.owner = $2`, portfolio, owner, id)
	if err == nil && tag.RowsAffected() == 0 {
		err = found(pgx.ErrNoRows)
	}
	return outcome("close proposal", err)
}
