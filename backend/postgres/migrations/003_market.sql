-- The last price of each day (UTC), which is the newest one during that day and
-- the closing one afterwards.

create table quotes (
    symbol   text collate "C" not null check (symbol ~ '^[A-Z0-9][A-Z0-9.:=^/_-]{0,31}$'),
    day      date not null generated always as ((time at time zone 'UTC')::date) stored,
    price    numeric(30, 12) not null check (price >= 0), -- currency per unit
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    source   text not null check (octet_length(source) between 1 and 64),
    time     timestamptz not null, -- of the price, by the source's clock
    received timestamptz not null, -- when the service received it
    primary key (symbol, day)
);

create table rates (
    from_currency text collate "C" not null check (from_currency ~ '^[A-Z]{3}$'),
    to_currency   text collate "C" not null check (to_currency ~ '^[A-Z]{3}$' and to_currency <> from_currency),
    day           date not null generated always as ((time at time zone 'UTC')::date) stored,
    rate          numeric(30, 12) not null check (rate > 0), -- units of "to" for one of "from"
    source        text not null check (octet_length(source) between 1 and 64),
    time          timestamptz not null,
    received      timestamptz not null,
    primary key (from_currency, to_currency, day)
);
