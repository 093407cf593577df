-- oldest daemon: 0.1.0
--
-- Transcripts: what was said in the next sessions of one gateway, without its secrets, for as long as somebody looks.

-- How many sessions are still to be recorded, and until when. The Inform's own statement counts down; null: none is.
alter table gateway
    add column recorded_sessions    smallint,
    add column recorded_until       timestamptz;

create table transcript (
    gateway_id      bigint primary key references gateway on delete cascade,
    sessions        smallint not null,          -- that were asked for
    started_at      timestamptz not null,
    started_by      text not null,
    until           timestamptz not null,       -- no session is recorded that begins later
    size            integer not null default 0, -- bytes of its entries
    is_full         boolean not null default false,
    constraint transcript_sessions check (sessions > 0),
    constraint transcript_ends check (until > started_at)
);
create index transcript_age on transcript (until);

create table transcript_entry (
    gateway_id      bigint not null references transcript on delete cascade,
    n               bigint generated always as identity,
    entry           jsonb not null,
    primary key (gateway_id, n)
);
