-- Messages that an instance, whichever is first, must send to a connection: a portfolio
-- that it watched was deleted or, if portfolio_id is null, its key has ended, after
-- which the connection is closed.
create table notices (
    id            bigint generated always as identity primary key,
    connection_id text not null references connections on delete cascade,
    portfolio_id  uuid,
    due_at        timestamptz not null
);

create index notices_due_at on notices (due_at);
create index notices_connection on notices (connection_id);
create unique index notices_end on notices (connection_id) where portfolio_id is null;
create index connections_key on connections (key_id, expires_at);
