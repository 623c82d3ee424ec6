-- More kinds of entries, 18 decimals, and the symbols that markets use. The previous
-- release keeps working: columns that it does not know have defaults.

alter table portfolios
    drop constraint portfolios_cost_method_check,
    add check (cost_method in ('FIFO', 'LIFO', 'HIFO', 'AVERAGE')),
    add column time_zone  text not null default 'UTC', -- IANA
    add column track_cash boolean not null default true;

alter table transactions
    drop constraint transactions_check,
    drop constraint transactions_check1,
    drop constraint transactions_amount_check,
    drop constraint transactions_symbol_check,
    alter column quantity type numeric(36, 18),
    alter column price    type numeric(36, 18),
    alter column amount   type numeric(36, 18),
    alter column fee      type numeric(36, 18),
    add column time          time, -- in the portfolio's time zone
    add column tax           numeric(36, 18) not null default 0 check (tax >= 0),
    add column fee_currency  text not null default '' check (fee_currency ~ '^([A-Z]{3})?$'),
    add column to_amount     numeric(36, 18) not null default 0 check (to_amount >= 0),
    add column to_currency   text not null default '' check (to_currency ~ '^([A-Z]{3})?$'),
    add column acquired      date check (acquired <= date),
    add column to_symbol     text collate "C" not null default '',
    add column cost_fraction numeric(36, 18) not null default 0 check (cost_fraction between 0 and 1),
    add column lots          jsonb, -- [{"date", "quantity"}]
    add column transfer      text not null default '',
    add column portfolio_version bigint not null default 0, -- which the last change of the row made
    add check (symbol ~ '^([A-Z0-9^]([A-Z0-9.:=^/_&+ -]{0,30}[A-Z0-9.:=^/_&+-])?)?$'),
    add check (to_symbol ~ '^([A-Z0-9^]([A-Z0-9.:=^/_&+ -]{0,30}[A-Z0-9.:=^/_&+-])?)?$'),
    add check (amount >= 0 or kind = 'INTEREST'),
    add check (case
        when kind in ('BUY', 'SELL') then symbol <> '' and quantity > 0
        when kind in ('DEPOSIT', 'WITHDRAWAL') then symbol = '' and amount > 0 and quantity = 0 and price = 0
        when kind in ('DIVIDEND', 'RETURN_OF_CAPITAL') then symbol <> '' and amount > 0 and quantity = 0 and price = 0
        when kind = 'INTEREST' then amount <> 0 and quantity = 0 and price = 0
        when kind = 'FEE' then amount > 0 and quantity = 0 and price = 0 and fee = 0
        when kind = 'CONVERSION' then symbol = '' and amount > 0 and to_amount > 0 and currency <> to_currency and to_currency <> ''
        when kind in ('TRANSFER_IN', 'TRANSFER_OUT') then symbol <> '' and quantity > 0 and price = 0 and fee = 0
        when kind = 'SPLIT' then symbol <> '' and quantity = 0 and price = 0 and fee = 0
        when kind in ('SPIN_OFF', 'MERGER') then symbol <> '' and to_symbol <> '' and to_symbol <> symbol and quantity = 0 and price = 0 and fee = 0
        else false
    end),
    add check (case when kind in ('SPLIT', 'SPIN_OFF', 'MERGER')
        then ratio_new between 1 and 1000000 and ratio_old between 1 and 1000000
        else ratio_new = 0 and ratio_old = 0
    end),
    add check (case
        when kind in ('SPLIT', 'MERGER') then (currency ~ '^[A-Z]{3}$') = (amount > 0)
        when kind in ('TRANSFER_OUT', 'SPIN_OFF') then currency = ''
        else currency ~ '^[A-Z]{3}$'
    end);

-- Finds what changed since a version of the portfolio. A trigger sets the version, so
-- that it is also set when the previous release writes.
create index transactions_changed on transactions (portfolio_id, portfolio_version);

create table deleted_transactions (
    portfolio_id      uuid not null references portfolios on delete cascade,
    id                uuid not null,
    portfolio_version bigint not null,
    primary key (portfolio_id, id)
);

create index deleted_transactions_changed on deleted_transactions (portfolio_id, portfolio_version);

-- Each change increments the portfolio's version, in the same transaction and under the
-- portfolio's lock.
create function note_transaction() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        insert into deleted_transactions select id, old.id, version + 1 from portfolios where id = old.portfolio_id
            on conflict do nothing; -- inserts nothing if the portfolio is deleted too
        return old;
    end if;
    select version + 1 into new.portfolio_version from portfolios where id = new.portfolio_id;
    return new;
end
$$;

create trigger note_transaction before insert or update or delete on transactions
    for each row execute function note_transaction();

alter table quotes
    drop constraint quotes_symbol_check,
    add check (symbol ~ '^[A-Z0-9^]([A-Z0-9.:=^/_&+ -]{0,30}[A-Z0-9.:=^/_&+-])?$'),
    alter column price type numeric(36, 18);

alter table rates alter column rate type numeric(36, 18);
