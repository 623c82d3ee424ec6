-- Corporate actions that sources know of, which owners may accept as entries. One that
-- was accepted or refused stays, so that it is not proposed again.
create table proposals (
    id           uuid primary key,
    portfolio_id uuid not null references portfolios on delete cascade,
    symbol       text collate "C" not null,
    kind         text not null,
    date         date not null,
    source       text not null,
    entry        jsonb not null, -- with the amount of one unit
    open         boolean not null default true,
    unique (portfolio_id, symbol, kind, date)
);
