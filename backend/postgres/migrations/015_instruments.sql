-- What is known of instruments. Symbols may be used without a record here.
create table instruments (
    symbol      text collate "C" primary key check (symbol ~ '^[A-Z0-9^]([A-Z0-9.:=^/_&+ -]{0,30}[A-Z0-9.:=^/_&+-])?$'),
    name        text not null check (char_length(name) <= 200),
    isin        text not null check (isin ~ '^([A-Z]{2}[A-Z0-9]{9}[0-9])?$'),
    mic         text not null check (mic ~ '^([A-Z0-9]{4})?$'),
    currency    text not null check (currency ~ '^([A-Z]{3})?$'),
    asset_class text not null,
    sector      text not null check (char_length(sector) <= 100),
    country     text not null check (country ~ '^([A-Z]{2})?$'),
    minor_unit  integer not null check (minor_unit in (1, 100)),
    source      text not null check (octet_length(source) <= 64),
    source_id   text not null check (octet_length(source_id) <= 64),
    updated_at  timestamptz not null
);

create index instruments_isin on instruments (isin) where isin <> '';

-- Other symbols that files use for an instrument.
create table instrument_aliases (
    alias  text collate "C" primary key,
    symbol text collate "C" not null references instruments on delete cascade
);

create index instrument_aliases_symbol on instrument_aliases (symbol);
