-- API keys, portfolios and their audit. Text that does not apply is '', a number that
-- does not apply is 0, as in the program's types.

-- Keys are never deleted, so that the audit can refer to them.
create table api_keys (
    id         uuid primary key, -- UUIDv7: in order of creation
    owner      text not null check (char_length(owner) between 1 and 100),
    hash       bytea not null unique check (octet_length(hash) = 32), -- SHA-256 of the key
    label      text not null check (char_length(label) between 1 and 100),
    scopes     text[] not null check (cardinality(scopes) > 0 and scopes <@ array['read', 'trade', 'feed', 'admin']),
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz
);

create index api_keys_owner on api_keys (owner, id);

create table portfolios (
    id                uuid primary key, -- UUIDv7
    owner             text not null check (char_length(owner) between 1 and 100),
    name              text not null check (char_length(name) between 1 and 100),
    base_currency     text not null check (base_currency ~ '^[A-Z]{3}$'),
    cost_method       text not null check (cost_method in ('FIFO', 'AVERAGE')),
    allow_shorts      boolean not null,
    version           bigint not null check (version > 0), -- increases with each change, also of a transaction
    transaction_count integer not null default 0 check (transaction_count between 0 and 100000),
    last_sequence     bigint not null default 0,
    created_at        timestamptz not null,
    updated_at        timestamptz not null
);

create index portfolios_owner on portfolios (owner, id);

-- Writers hold the lock of the portfolio's row.
create table transactions (
    portfolio_id uuid not null references portfolios on delete cascade,
    id           uuid not null, -- UUIDv7
    sequence     bigint not null check (sequence > 0), -- order of recording, unique in the portfolio
    kind         text not null,
    date         date not null,
    symbol       text collate "C" not null check (symbol ~ '^([A-Z0-9][A-Z0-9.:=^/_-]{0,31})?$'),
    quantity     numeric(30, 12) not null check (quantity >= 0), -- units
    price        numeric(30, 12) not null check (price >= 0),    -- currency per unit
    amount       numeric(30, 12) not null check (amount >= 0),   -- currency
    currency     text not null,
    fee          numeric(30, 12) not null check (fee >= 0), -- currency
    ratio_new    integer not null,
    ratio_old    integer not null,
    note         text not null check (char_length(note) <= 1000),
    version      bigint not null check (version > 0),
    recorded_at  timestamptz not null,
    primary key (portfolio_id, id),
    check (case
        when kind = 'SPLIT' then symbol <> '' and currency = '' and quantity = 0 and price = 0 and amount = 0 and fee = 0
        when kind in ('BUY', 'SELL') then symbol <> '' and quantity > 0 and amount = 0
        when kind in ('DEPOSIT', 'WITHDRAWAL') then symbol = '' and amount > 0 and quantity = 0 and price = 0
        when kind = 'DIVIDEND' then symbol <> '' and amount > 0 and quantity = 0 and price = 0
        when kind = 'INTEREST' then amount > 0 and quantity = 0 and price = 0
        when kind = 'FEE' then amount > 0 and quantity = 0 and price = 0 and fee = 0
        else false
    end),
    check (case when kind = 'SPLIT'
        then ratio_new between 1 and 1000000 and ratio_old between 1 and 1000000
        else ratio_new = 0 and ratio_old = 0 and currency ~ '^[A-Z]{3}$'
    end)
);

-- For keyset pagination of lists, the latest transaction first.
create unique index transactions_list on transactions (portfolio_id, date desc, sequence desc);

-- Finds the portfolios that have a symbol, and its transactions in one of them.
create index transactions_symbol on transactions (symbol, portfolio_id);

-- Answers to repeated calls. An answer is built from the call, which the hash proves to
-- be the same, and from the ids that the first call assigned.
create table idempotency (
    portfolio_id   uuid not null references portfolios on delete cascade,
    key            text not null check (octet_length(key) between 1 and 128),
    request        bytea not null check (octet_length(request) = 32), -- SHA-256
    first_sequence bigint not null,
    ids            uuid[] not null,
    recorded_at    timestamptz not null,
    expires_at     timestamptz not null check (expires_at > recorded_at),
    primary key (portfolio_id, key)
);

create index idempotency_expires_at on idempotency (expires_at);

-- Has no foreign keys, because rows outlive what they refer to.
create table audit (
    id           bigint generated always as identity primary key,
    at           timestamptz not null default now(),
    owner        text not null,
    key_id       uuid, -- null: the command line
    action       text not null,
    subject      uuid not null,
    portfolio_id uuid, -- null if no portfolio is concerned
    before       jsonb,
    after        jsonb
);

create index audit_owner on audit (owner, id);

create function audit_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'audit: got %, want insert only', lower(tg_op) using errcode = 'insufficient_privilege';
end
$$;

create trigger audit_is_append_only before update or delete or truncate on audit
    for each statement execute function audit_is_append_only();

create table tickets (
    hash       bytea primary key check (octet_length(hash) = 32), -- SHA-256 of the ticket
    key_id     uuid not null references api_keys, -- whose scopes the ticket has
    expires_at timestamptz not null
);

create index tickets_expires_at on tickets (expires_at);

-- Null in rows that the previous release wrote.
alter table connections
    add column owner text,
    add column key_id uuid references api_keys,
    add check ((owner is null) = (key_id is null));
