-- An instance renews one row for all its leases instead of each of them: it may have ten
-- thousand. A stream whose expires_at is infinity is leased as long as its instance is here.
-- Any instance may remove one that has expired. The previous version of the program knows
-- only expires_at, so during a deploy it leaves these streams to others.

create table instances (
    instance_id text primary key,
    expires_at  timestamptz not null
);
