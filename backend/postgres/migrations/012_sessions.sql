-- People who are signed in at the page. A session ends with its key, so that every query
-- for sessions looks at the key.

create table sessions (
    hash       bytea primary key check (octet_length(hash) = 32), -- SHA-256 of the cookie's value
    id         uuid not null unique, -- UUIDv7
    key_id     uuid not null references api_keys, -- whose scopes the session has
    sign_in    text not null check (sign_in in ('key', 'link', 'oidc')),
    created_at timestamptz not null,
    ends_at    timestamptz not null check (ends_at > created_at), -- however much it is used
    expires_at timestamptz not null check (expires_at <= ends_at) -- unless it is used before
);

create index sessions_expires_at on sessions (expires_at);
create index sessions_key on sessions (key_id, expires_at);

-- Null in those that the key itself let in. A session is deleted when it ends.
alter table tickets add column session_id uuid;
alter table connections add column session_id uuid;

create index connections_session on connections (session_id) where session_id is not null;
