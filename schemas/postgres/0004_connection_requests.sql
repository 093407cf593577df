-- oldest daemon: 0.1.0
--
-- Connection requests: which gateways are to be rung, when, and what came of the last time. None of it decides about a
-- write: a ring only makes its gateway open a session sooner. A table of its own, so that the rows that Informs change
-- stay small and without an index.

create table ring (
    gateway_id      bigint primary key references gateway on delete cascade,
    due_at          timestamptz,    -- not before this; null: nobody wants it rung
    wishes          integer not null default 0,         -- counts what was wanted: a ring under way swallows no newer wish
    tries           smallint not null default 0,        -- rings since the last wish
    session_number  bigint,         -- the gateway's newest session when it was wished; if that is open, its end brings
    encore_at       timestamptz,    -- one ring more, which need not keep the interval
    held_by         bigint,         -- the brake that holds back what it would be rung for
    rung_at         timestamptz,    -- the last time that a ring began
    rings           bigint not null default 0,
    result          text,           -- of the last ring; null: under way, or its ringer was killed
    http_status     smallint        -- what the gateway answered in the end, if it answered in HTTP
) with (fillfactor = 70);
create index ring_due on ring (due_at) where due_at is not null;
create index ring_held on ring (held_by) where held_by is not null;

-- The ceiling for all ringers together, as queue_rate is for writes.
create table ring_rate (
    only_row        boolean primary key default true,
    available       double precision not null default 0,
    refilled_at     timestamptz not null,
    constraint ring_rate_only_row check (only_row)
);
insert into ring_rate (refilled_at) values ('2000-01-01');

-- Which addresses were rung lately, whatever gateway named them. Not logged: a lost row means one ring too many.
create unlogged table ring_address (
    address         text primary key,
    gateway_id      bigint not null,
    rung_at         timestamptz not null
);

-- A write that waits for a session of its gateway wants it rung. One that never informed, or says no URL, cannot be rung:
-- its first Inform brings what it needs.
create function ring_wish() returns trigger language plpgsql as $$
begin
    insert into ring (gateway_id, due_at, wishes, session_number)
    select g.id, new.due_at, 1, g.session_number
    from gateway g
    where g.id = new.gateway_id and g.first_inform_at is not null and g.connection_request_url <> ''
    on conflict (gateway_id) do update set
        due_at = excluded.due_at, wishes = ring.wishes + 1, tries = 0, session_number = excluded.session_number,
        encore_at = null, held_by = null;
    return null;
end $$;

create trigger write_queued_rings after insert on write
    for each row when (new.gateway_id is not null and new.state = 'queued') execute function ring_wish();

-- Row by row, and only where it matters: the condition costs a session next to nothing.
create trigger write_moved_rings after update on write
    for each row when (new.gateway_id is not null and new.state in ('queued', 'in_doubt')
                       and (new.state <> old.state or new.gateway_id is distinct from old.gateway_id
                            or new.due_at <> old.due_at))
    execute function ring_wish();
