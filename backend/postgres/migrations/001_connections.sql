-- One row per open WebSocket. Expired rows are swept.
create table connections (
    connection_id text primary key,
    domain_name   text not null,
    stage         text not null,
    source_ip     inet,
    connected_at  timestamptz not null,
    expires_at    timestamptz not null check (expires_at > connected_at)
);

create index connections_expires_at on connections (expires_at);
