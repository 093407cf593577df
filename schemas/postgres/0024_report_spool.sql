-- oldest daemon: 0.1.0
--
-- Reports that were taken and are still to be handed on. Any worker puts them in, with the statement that takes them,
-- and any daemon hands them on.

create table report_spool (
    n               bigint generated always as identity primary key,
    id              uuid not null,              -- the same when the same report comes again
    association_id  uuid not null,
    line_of_service text not null,              -- as it was when the report came, like all that follows
    generation      integer not null,
    gateway_id      bigint,
    oui             text,
    product_class   text,
    serial_number   text,
    received_at     timestamptz not null,
    content_type    text not null,
    report_format   text not null,
    unread          text,                       -- why it could not be read
    body            bytea not null,             -- zlib
    size            integer not null,           -- bytes of that
    refused         smallint not null default 0,    -- how often its receiver would not have it
    leased_until    timestamptz                 -- somebody hands it on, or it rests
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
alter table report_spool alter column body set storage external;    -- it is compressed already

-- How much that is, as sums of many rows: whoever adds or takes away locks one of them, and seldom the same.
create table report_spool_size (
    shard       smallint primary key,
    bytes       bigint not null default 0,
    reports     bigint not null default 0
) with (fillfactor = 10);
insert into report_spool_size (shard) select generate_series(0, 63);
