-- The sources that a key with the scope feed may write; null for any.
alter table api_keys add column sources text[]
    check (sources is null or 'feed' = any (scopes) and cardinality(sources) between 1 and 100);
