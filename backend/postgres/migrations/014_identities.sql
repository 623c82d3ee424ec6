-- Keys of people whom an identity provider signs in. Nobody knows such a key.

alter table api_keys
    add column identity text check (char_length(identity) between 1 and 600); -- issuer and subject

create unique index api_keys_identity on api_keys (identity) where revoked_at is null;
