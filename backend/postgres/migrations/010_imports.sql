-- Files that were read for a portfolio: previews, and what was recorded of them.

create table imports (
    id           uuid primary key, -- UUIDv7
    portfolio_id uuid not null references portfolios on delete cascade,
    layout       text not null,
    entries      jsonb not null, -- of a preview: [{"transaction", "origin"}]
    recorded     integer not null default 0,
    created_at   timestamptz not null,
    confirmed_at timestamptz,
    expires_at   timestamptz, -- null once it was confirmed
    check ((confirmed_at is null) = (expires_at is not null))
);

create index imports_expires_at on imports (expires_at);
create index imports_portfolio on imports (portfolio_id);

-- By what an entry is recognised in another file.
create table imported (
    portfolio_id   uuid not null,
    transaction_id uuid not null,
    import_id      uuid not null references imports on delete cascade,
    issuer         text not null,
    broker_id      text not null,
    content        text not null,
    primary key (portfolio_id, transaction_id),
    foreign key (portfolio_id, transaction_id) references transactions on delete cascade
);

create index imported_import on imported (import_id);

-- How an owner's CSV files in layouts of their own are to be read.
create table mappings (
    owner   text not null check (char_length(owner) between 1 and 100),
    name    text not null check (char_length(name) between 1 and 64),
    mapping jsonb not null,
    primary key (owner, name)
);
