package postgres

import (
	"context"
	"time"

	"portfolio/backend/push"

	"github.com/jackc/pgx/v5"
)

// Claim implements push.Store.
func (db *DB) Claim(
	ctx context.Context, instance string, held []string, ttl time.Duration,
) (taken []push.Lease, kept bool, err error) {
	err = db.within(ctx, "claim streams", func(tx pgx.Tx) (err error) {
		if kept, err = renew(ctx, tx, instance, ttl); err != nil {
			return err
		}
		if !kept {
			held = []string{}
		}
		if held != nil {
			if err = endOthers(ctx, tx, instance, held); err != nil {
				return err
			}
		}
		taken, err = take(ctx, tx, instance)
		return err
	})
	return taken, kept, err
}

// renew renews the leases of an instance. Kept is false if it had none or they had expired.
func renew(ctx context.Context, tx pgx.Tx, instance string, ttl time.Duration) (kept bool, err error) {
	tag, err := tx.Exec(ctx, `
		update instances set expires_at = now() + $2::interval where instance_id = $1 and expires_at > now()`,
		instance, ttl)
	if err != nil || tag.RowsAffected() > 0 {
		return err == nil, err
	}
	_, err = tx.Exec(ctx, `
		insert into instances (instance_id, expires_at) values ($1, now() + $2::interval)
		on conflict (instance_id) do update set expires_at = excluded.expires_at`, instance, ttl)
	return false, err
}

// endOthers ends the leases of an instance on portfolios that are not held.
func endOthers(ctx context.Context, tx pgx.Tx, instance string, held []string) error {
	// Locked in the order in which others take them.
	_, err := tx.Exec(ctx, `
		update streams set expires_at = now() where portfolio_id in (
			select s.portfolio_id from streams s
			where s.instance_id = $1 and s.expires_at > now()
				and not exists (select from unnest($2::uuid[]) h where h = s.portfolio_id)
			order by s.portfolio_id for update)`, instance, held)
	return err
}

// take takes the leases on watched portfolios that are free. Of instances that see the same
// one free, the first to write its next epoch has it.
func take(ctx context.Context, tx pgx.Tx, instance string) (taken []push.Lease, err error) {
	// One that is renewing its row at this moment is alive, and is not waited for.
	if _, err := tx.Exec(ctx, `
		delete from instances where instance_id in (
			select instance_id from instances where expires_at <= now() for update skip locked)`); err != nil {
		return nil, err
	}
	rows, _ := tx.Query(ctx, `
		with taken as (
			insert into streams as t (portfolio_id, instance_id, epoch, expires_at)
			select w.portfolio_id, $1, coalesce(s.epoch, 0) + 1, 'infinity'
			from (select distinct portfolio_id from subscriptions) w
				left join streams s using (portfolio_id) left join instances i using (instance_id)
			where s.portfolio_id is null or s.expires_at <= now()
				or s.expires_at = 'infinity' and i.instance_id is null
			order by w.portfolio_id
			on conflict (portfolio_id) do update
				set instance_id = excluded.instance_id, epoch = excluded.epoch, expires_at = excluded.expires_at
				where t.epoch = excluded.epoch - 1 and (t.expires_at <= now() or t.expires_at = 'infinity')
			returning portfolio_id, epoch
		)
		select p.id::text, p.owner, t.epoch from taken t join portfolios p on p.id = t.portfolio_id`, instance)
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (l push.Lease, err error) {
		return l, row.Scan(&l.Portfolio, &l.Owner, &l.Epoch)
	})
}

// Release implements push.Store.
func (db *DB) Release(ctx context.Context, instance string) error {
	_, err := db.pool.Exec(ctx, "delete from instances where instance_id = $1", instance)
	return outcome("release streams", err)
}
