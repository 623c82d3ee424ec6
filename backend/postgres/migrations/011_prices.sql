-- Until when a price is the newest that its source can be expected to have; null where
-- that is not known, which means a minute after its time.
alter table quotes add column fresh_until timestamptz check (fresh_until > time);
alter table rates  add column fresh_until timestamptz check (fresh_until > time);

-- What the task that asks sources has asked, so that another instance continues it.
create table sources (
    name     text primary key check (octet_length(name) between 1 and 64),
    state    jsonb not null,
    saved_at timestamptz not null
);
