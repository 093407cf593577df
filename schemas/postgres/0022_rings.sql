-- oldest daemon: 0.1.0
--
-- What came of every connection request, for the story of a line: `ring` has the newest only.

create table ring_event (
    id              bigint generated always as identity primary key,
    gateway_id      bigint not null,    -- no foreign key: it is history
    at              timestamptz not null,
    result          text not null,
    http_status     smallint,
    by              text                -- who rang by hand; null: the daemon
);
create index ring_event_of_gateway on ring_event (gateway_id, at);
