-- Prices within the last days: of every five minutes the last one by its time, so that the
-- values of a day can be shown moment by moment. The sweep deletes them after three days;
-- quotes and rates have what stays.

create table quote_samples (
    symbol      text collate "C" not null,
    slot        timestamptz not null, -- the end of the five minutes, which belongs to them
    price       numeric not null,
    currency    text not null,
    time        timestamptz not null,
    received    timestamptz not null,
    fresh_until timestamptz,
    primary key (symbol, slot)
) with (fillfactor = 80); -- so that an update within a slot stays in its page

create index quote_samples_slot on quote_samples (slot);

create table rate_samples (
    from_currency text collate "C" not null,
    to_currency   text collate "C" not null,
    slot          timestamptz not null,
    rate          numeric not null,
    time          timestamptz not null,
    received      timestamptz not null,
    fresh_until   timestamptz,
    primary key (from_currency, to_currency, slot)
) with (fillfactor = 80);

create index rate_samples_slot on rate_samples (slot);
