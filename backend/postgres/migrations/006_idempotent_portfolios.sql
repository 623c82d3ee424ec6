-- Answers to repeated calls that create a portfolio.
create table portfolio_idempotency (
    owner      text not null,
    key        text not null check (octet_length(key) between 1 and 128),
    request    bytea not null check (octet_length(request) = 32), -- SHA-256
    created    jsonb not null, -- the portfolio as it was created
    expires_at timestamptz not null,
    primary key (owner, key)
);

create index portfolio_idempotency_expires_at on portfolio_idempotency (expires_at);
