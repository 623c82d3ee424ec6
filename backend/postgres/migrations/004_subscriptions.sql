-- Which connection watches which portfolio, and which instance sends its updates.

create table subscriptions (
    connection_id text not null references connections on delete cascade,
    portfolio_id  uuid not null references portfolios on delete cascade,
    after         bigint not null check (after >= 0), -- the client has everything up to this number
    asked_at      timestamptz not null default clock_timestamp(),
    primary key (connection_id, portfolio_id)
);

create index subscriptions_portfolio on subscriptions (portfolio_id);

-- The row stays when nobody watches, because an epoch must never be used twice.
create table streams (
    portfolio_id uuid primary key references portfolios on delete cascade,
    instance_id  text not null,
    epoch        bigint not null check (epoch between 1 and 536870911), -- 29 bits, see package push
    expires_at   timestamptz not null
);

create index streams_instance on streams (instance_id);

-- Notifies all instances, on commit, of a subscription that is added or removed, also
-- one that is removed with its connection.
create function announce_subscription() returns trigger language plpgsql as $$
begin
    perform pg_notify('portfolio_subscriptions', coalesce(new.portfolio_id, old.portfolio_id)::text);
    return null;
end
$$;

create trigger announce_subscription after insert or update or delete on subscriptions
    for each row execute function announce_subscription();
