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
);

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
);

create index rate_samples_slot on rate_samples (slot);

-- The end of the five minutes of a time.
create function slot_end(at timestamptz) returns timestamptz language sql stable as $$
    select date_bin('5 minutes', at, '2000-01-01 00:00:00.000001Z') + interval '5 minutes' - interval '1 microsecond'
$$;

-- A price becomes a sample when one of later five minutes takes its place. So most prices
-- cost one write as before, and the newest of each symbol and day is in quotes alone.
-- Triggers also see what the previous version of the program writes during a deploy; they
-- run with the owner's rights, because its role may not have those on the new tables yet.
create function keep_quote() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into quote_samples (symbol, slot, price, currency, time, received, fresh_until)
    values (old.symbol, slot_end(old.time), old.price, old.currency, old.time, old.received, old.fresh_until)
    on conflict (symbol, slot) do update set price = excluded.price, currency = excluded.currency,
        time = excluded.time, received = excluded.received, fresh_until = excluded.fresh_until
    where (excluded.time, excluded.received) > (quote_samples.time, quote_samples.received);
    return null;
end
$$;

create function keep_rate() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into rate_samples (from_currency, to_currency, slot, rate, time, received, fresh_until)
    values (old.from_currency, old.to_currency, slot_end(old.time), old.rate, old.time, old.received, old.fresh_until)
    on conflict (from_currency, to_currency, slot) do update set rate = excluded.rate,
        time = excluded.time, received = excluded.received, fresh_until = excluded.fresh_until
    where (excluded.time, excluded.received) > (rate_samples.time, rate_samples.received);
    return null;
end
$$;

create trigger keep_quote after update on quotes for each row
    when (new.received < old.time + interval '74 hours' -- otherwise it would be swept at once
        and date_bin('5 minutes', new.time, '2000-01-01 00:00:00.000001Z')
            > date_bin('5 minutes', old.time, '2000-01-01 00:00:00.000001Z'))
    execute function keep_quote();

create trigger keep_rate after update on rates for each row
    when (new.received < old.time + interval '74 hours'
        and date_bin('5 minutes', new.time, '2000-01-01 00:00:00.000001Z')
            > date_bin('5 minutes', old.time, '2000-01-01 00:00:00.000001Z'))
    execute function keep_rate();
