-- oldest daemon: 0.1.0
--
-- Webhooks: who is told when a write has settled, and what is still to be told.

create table webhook (
    id              uuid primary key,           -- version 7
    url             text not null,
    states          text[] not null,            -- the settled states that it is told of
    secret          bytea not null,             -- sealed; the key of its signatures
    former_secret   bytea,                      -- signs as well, until then
    former_until    timestamptz,
    created_at      timestamptz not null,
    created_by      text not null,
    deleted_at      timestamptz,                -- what was delivered is kept for a while
    failures        integer not null default 0, -- attempts in a row that failed
    failing_since   timestamptz,                -- the first of them
    rest_until      timestamptz,                -- nothing is tried before, because it keeps failing
    succeeded_at    timestamptz,                -- about: not every delivery is written down here
    failed_at       timestamptz,
    words           text,                       -- what happened last, when it failed
    constraint webhook_url_length check (length(url) between 1 and 2048),
    constraint webhook_states check (cardinality(states) > 0
        and states <@ array['verified', 'rejected', 'failed', 'cancelled', 'superseded']),
    constraint webhook_former check ((former_secret is null) = (former_until is null)),
    constraint webhook_failing check ((failures > 0) = (failing_since is not null))
);

-- The outbox: one row for each webhook and settled write, made by the database in the transaction that settles it. No
-- foreign keys: a session must not wait for a webhook's row.
create table webhook_delivery (
    id              bigint generated always as identity primary key,
    webhook_id      uuid not null,
    write_id        uuid not null,
    move            integer not null,           -- with write_id: the event that it tells of
    state           text not null default 'pending',
    created_at      timestamptz not null,
    begun_at        timestamptz not null,       -- created or replayed: it is tried for a day from then
    due_at          timestamptz,                -- not before; while it is under way: when it counts as lost
    attempts        integer not null default 0,
    attempted_at    timestamptz,
    status          integer,                    -- of the last answer, if there was one
    seconds         double precision,
    words           text,
    finished_at     timestamptz,
    constraint webhook_delivery_state check (state in ('pending', 'delivered', 'parked')),
    constraint webhook_delivery_due check ((due_at is not null) = (state = 'pending')),
    constraint webhook_delivery_finished check ((finished_at is null) = (state = 'pending'))
);
create index webhook_delivery_waiting on webhook_delivery (webhook_id, due_at) where due_at is not null;
create index webhook_delivery_of_webhook on webhook_delivery (webhook_id, id);

create function webhook_tell() returns trigger language plpgsql as $$
begin
    if exists (select from webhook where deleted_at is null) then
        insert into webhook_delivery (webhook_id, write_id, move, created_at, begun_at, due_at)
        select h.id, f.write_id, f.move, f.at, f.at, f.at
        from fresh f
        join webhook h on h.deleted_at is null and f.to_state = any (h.states)
        order by f.seq;
    end if;
    return null;
end $$;

create trigger webhook_told after insert on write_event
    referencing new table as fresh for each statement execute function webhook_tell();
