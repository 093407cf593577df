-- oldest daemon: 0.1.0
--
-- The records, the queue and its history. Words as in ARCHITECTURE.md: a *device* is one line of service, a *gateway*
-- is the box, an *association* joins a subscriber to a device, a *write* is one queued SetParameterValues.
-- Postgres refuses what must never be: constraint names are part of the interface (the store turns them into errors).

create table subscriber (
    id          bigint generated always as identity primary key,
    code        text not null,                  -- as the caller wrote it: NFC, trimmed, case kept
    code_key    text not null,                  -- case-folded: what "the same code" means
    name        text not null,
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    constraint subscriber_code_taken unique (code_key),
    constraint subscriber_code_length check (length(code) between 1 and 64),
    constraint subscriber_name_length check (length(name) between 1 and 128)
);

-- The physical CPE. Columns that an Inform changes carry no index, so that its update stays on its page (HOT).
create table gateway (
    id                      bigint generated always as identity primary key,
    oui                     text not null,      -- six upper-case hex digits where the gateway is well-behaved
    product_class           text not null,      -- may be empty
    serial_number           text not null,
    created_at              timestamptz not null,
    approved_at             timestamptz,        -- null: in the inbox; whether that matters is cpe_auth.bootstrap's affair
    approved_by             text,
    session_number          bigint not null default 0,      -- the fence: every Inform increments it
    manufacturer            text not null default '',
    hardware_version        text not null default '',
    software_version        text not null default '',
    root                    text not null default '',       -- 'Device.' or 'InternetGatewayDevice.'; empty: not yet seen
    provisioning_code       text not null default '',
    parameter_key           text,               -- null: the last Inform did not carry it
    connection_request_url  text not null default '',
    cwmp_namespace          text not null default '',
    profile                 text,               -- name of the profile that fits, as of the last Inform
    address                 text not null default '',       -- the peer's address of the last Inform
    events                  text[] not null default '{}',   -- event codes of the last Inform
    first_inform_at         timestamptz,        -- null: known from a record only
    last_inform_at          timestamptz,
    booted_at               timestamptz,        -- last Inform with 1 BOOT (or 0 BOOTSTRAP)
    periodic_at             timestamptz,        -- last Inform with 2 PERIODIC
    periodic_seconds        double precision,   -- between the last two of those
    constraint gateway_identity unique (serial_number, oui, product_class)
) with (fillfactor = 70);

-- One line of service. `gateway_id` is the box in use; `wanted_*` names a box of unknown product class that has not
-- informed yet: its first Inform binds it.
create table device (
    id                  bigint generated always as identity primary key,
    line_of_service     text not null,
    line_key            text not null,
    gateway_id          bigint references gateway,
    wanted_oui          text,
    wanted_serial       text,
    created_at          timestamptz not null,
    updated_at          timestamptz not null,
    deleted_at          timestamptz,            -- its past associations and its clearing writes still need the row
    constraint device_gateway_taken unique (gateway_id),
    constraint device_line_length check (length(line_of_service) between 1 and 64),
    constraint device_wants_oui_and_serial check ((wanted_oui is null) = (wanted_serial is null)),
    constraint device_wants_or_has check (wanted_oui is null or gateway_id is null),
    constraint device_deleted_has_no_gateway check (deleted_at is null or (gateway_id is null and wanted_oui is null))
);
create unique index device_line_taken on device (line_key) where deleted_at is null;
create unique index device_wanted_taken on device (wanted_serial, wanted_oui) where wanted_serial is not null;

create table association (
    id              uuid primary key,           -- version 7: in order of creation
    subscriber_id   bigint references subscriber on delete set null,    -- null: over, and the subscriber was erased
    device_id       bigint not null references device,
    generation      integer not null default 1, -- of its PHAN URL: a swap, re-issue or re-binding starts the next
    key_id          text not null,              -- of the keyring's key that seals this generation
    issued_at       timestamptz not null,       -- of this generation, whole seconds
    created_at      timestamptz not null,
    created_by      text not null,
    ended_at        timestamptz,
    ended_by        text,
    constraint association_subscriber_needed check (subscriber_id is not null or ended_at is not null),
    constraint association_generation_positive check (generation >= 1),
    constraint association_end_after_start check (ended_at >= created_at)
);
create unique index association_line_active on association (device_id) where ended_at is null;
create index association_of_device on association (device_id, id);
create index association_of_subscriber on association (subscriber_id, id);

-- The law of a write, row for row what acs_bridge/domain/write.py says; a test holds the two equal.
create table write_transition (
    from_state  text not null,
    event       text not null,
    to_state    text not null,
    primary key (from_state, event)
);

insert into write_transition (from_state, event, to_state) values
    ('queued',   'dispatched',              'sent'),
    ('queued',   'unfit',                   'rejected'),
    ('queued',   'cancelled',               'cancelled'),
    ('queued',   'superseded',              'superseded'),
    ('sent',     'advanced',                'sent'),
    ('sent',     'accepted',                'applied'),
    ('sent',     'deferred',                'staged'),
    ('sent',     'refused',                 'rejected'),
    ('sent',     'faltered',                'queued'),
    ('sent',     'exhausted',               'failed'),
    ('sent',     'session_lost',            'in_doubt'),
    ('sent',     'key_matches',             'applied'),
    ('sent',     'key_of_an_earlier_step',  'queued'),
    ('sent',     'key_differs',             'queued'),
    ('sent',     'key_absent',              'queued'),
    ('sent',     'superseded',              'superseded'),
    ('in_doubt', 'advanced',                'sent'),
    ('in_doubt', 'accepted',                'applied'),
    ('in_doubt', 'deferred',                'staged'),
    ('in_doubt', 'refused',                 'rejected'),
    ('in_doubt', 'faltered',                'queued'),
    ('in_doubt', 'exhausted',               'failed'),
    ('in_doubt', 'key_matches',             'applied'),
    ('in_doubt', 'key_of_an_earlier_step',  'queued'),
    ('in_doubt', 'key_differs',             'queued'),
    ('in_doubt', 'key_absent',              'queued'),
    ('in_doubt', 'cancelled',               'cancelled'),
    ('in_doubt', 'superseded',              'superseded'),
    ('applied',  'read_back_equal',         'verified'),
    ('applied',  'key_proves',              'verified'),
    ('applied',  'read_back_differs',       'queued'),
    ('applied',  'exhausted',               'failed'),
    ('applied',  'superseded',              'superseded'),
    ('staged',   'read_back_equal',         'verified'),
    ('staged',   'key_proves',              'verified'),
    ('staged',   'read_back_differs',       'queued'),
    ('staged',   'exhausted',               'failed'),
    ('staged',   'superseded',              'superseded'),
    ('rejected', 'retried',                 'queued'),
    ('rejected', 'cancelled',               'cancelled'),
    ('rejected', 'superseded',              'superseded'),
    ('failed',   'retried',                 'queued'),
    ('failed',   'cancelled',               'cancelled'),
    ('failed',   'superseded',              'superseded');

create table write (
    id              uuid primary key,           -- version 7; names the write inside ParameterKeys and cwmp:IDs
    purpose         text not null,
    association_id  uuid references association,
    device_id       bigint references device,   -- the association's line, repeated for the index that keeps it single
    gateway_id      bigint references gateway,  -- the target; null until one is bound
    batch_id        uuid not null,              -- one request, one import, one rotation
    generation      integer,                    -- of the PHAN URL that it carries
    key_id          text,
    state           text not null default 'queued',
    event           text not null default 'created',        -- what led to this state
    moves           integer not null default 0, -- counts events: the history's key, and a version number
    moved_at        timestamptz not null,
    moved_by        text,                       -- the person or token behind the last move; null: the daemon
    attempts        smallint not null default 0,            -- dispatches since it was queued or retried
    step            smallint not null default 0,            -- requests sent in its whole life
    plan            jsonb not null default '{}',            -- what the gateway has said so far, for the planner
    parameter_key   text,                       -- of the last SetParameterValues, AddObject or DeleteObject sent
    request_id      text,                       -- cwmp:ID of the request that is outstanding
    session_number  bigint,                     -- of the session that sent it
    lease_until     timestamptz,                -- when the daemon stops waiting for that request's answer
    due_at          timestamptz not null,       -- queued: not before this
    created_at      timestamptz not null,
    finished_at     timestamptz,                -- settled: final, rejected or failed
    fault           jsonb,                      -- {code, text, parameters: [{name, code, text}]} of the last fault
    proof           text,                       -- verified by read_back or by parameter_key
    profile         text,                       -- the profile that it was last sent by
    constraint write_purpose check (purpose in ('provision', 'clear', 'credentials')),
    constraint write_state check (state in ('queued', 'sent', 'applied', 'staged', 'verified', 'in_doubt', 'rejected',
                                            'failed', 'cancelled', 'superseded')),
    constraint write_association check ((purpose = 'credentials') = (association_id is null)
                                        and (association_id is null) = (device_id is null)),
    constraint write_settled check ((finished_at is not null)
                                    = (state in ('verified', 'rejected', 'failed', 'cancelled', 'superseded'))),
    constraint write_outstanding check (request_id is null or state in ('sent', 'in_doubt', 'applied', 'staged')),
    constraint write_sent_is_outstanding check (state <> 'sent' or request_id is not null),
    constraint write_lease check ((lease_until is not null) = (request_id is not null and state <> 'in_doubt')),
    constraint write_proof check ((proof is not null) = (state = 'verified') and proof in ('read_back', 'parameter_key')),
    constraint write_target check (gateway_id is not null or state in ('queued', 'cancelled', 'superseded'))
) with (fillfactor = 80);

create unique index write_line_busy on write (device_id) where finished_at is null and purpose = 'provision';
create unique index write_gateway_busy on write (gateway_id)
    where finished_at is null and purpose in ('provision', 'clear') and gateway_id is not null;
create unique index write_credentials_busy on write (gateway_id) where finished_at is null and purpose = 'credentials';
create index write_lease_expiry on write (lease_until) where lease_until is not null;
create index write_of_association on write (association_id, id);
create index write_of_gateway on write (gateway_id, id);
create index write_of_batch on write (batch_id);

-- Its history. A row for every move, made by the database itself: nothing moves unrecorded.
create table write_event (
    write_id        uuid not null,              -- no foreign key: the triggers below are the only writers
    move            integer not null,
    seq             bigint generated always as identity,    -- commits out of order: readers wait for `xact` to be over
    xact            xid8 not null default pg_current_xact_id(),
    at              timestamptz not null,
    from_state      text,
    event           text not null,
    to_state        text not null,
    by              text,
    attempts        smallint not null,
    step            smallint not null,
    gateway_id      bigint,
    session_number  bigint,
    fault           jsonb,
    primary key (write_id, move)
);
create index write_event_seq on write_event (seq);

create function write_queue() returns trigger language plpgsql as $$
begin
    insert into write_event (write_id, move, at, from_state, event, to_state, by, attempts, step, gateway_id)
    select id, moves, moved_at, null, event, state, moved_by, attempts, step, gateway_id from fresh;
    return null;
end $$;

create trigger write_queued after insert on write
    referencing new table as fresh for each statement execute function write_queue();

create function write_move() returns trigger language plpgsql as $$
declare
    illegal record;
begin
    select was.state as from_state, became.event, became.state as to_state into illegal
    from was
    join became using (id)
    left join write_transition t
        on t.from_state = was.state and t.event = became.event and t.to_state = became.state
    where (became.moves <> was.moves or became.state <> was.state or became.event <> was.event)
      and (became.moves <> was.moves + 1 or t.event is null)
    limit 1;
    if found then
        raise exception 'a write cannot go from % by % to %', illegal.from_state, illegal.event, illegal.to_state
            using errcode = 'check_violation', constraint = 'write_transition_exists', table = 'write';
    end if;
    insert into write_event
        (write_id, move, at, from_state, event, to_state, by, attempts, step, gateway_id, session_number, fault)
    select became.id, became.moves, became.moved_at, was.state, became.event, became.state, became.moved_by,
           became.attempts, became.step, became.gateway_id, became.session_number,
           case when became.event in ('refused', 'faltered', 'exhausted', 'unfit') then became.fault end
    from became
    join was using (id)
    where became.moves <> was.moves;
    return null;
end $$;

create trigger write_moved after update on write
    referencing old table as was new table as became for each statement execute function write_move();

-- What a caller dropped on the intake: one row a request, so that the same request again finds its answer.
create table provisioning_request (
    id              uuid primary key,
    association_id  uuid not null references association,
    write_id        uuid not null references write,
    oui             text,                       -- the gateway that it named, if any: with the association that is
    product_class   text,                       -- all that tells one request from another
    serial_number   text,
    created_at      timestamptz not null,
    created_by      text not null
);
create index provisioning_request_of_association on provisioning_request (association_id, id);

-- The brakes. A row without batch, profile and software version stops the whole queue.
create table brake (
    id                  bigint generated always as identity primary key,
    batch_id            uuid,
    profile             text,
    software_version    text,
    set_at              timestamptz not null,
    set_by              text not null
);
create unique index brake_once on brake (batch_id, profile, software_version) nulls not distinct;

-- The ceiling: a bucket of at most one second's worth of writes, refilled as time passes, for all workers together.
create table queue_rate (
    only_row            boolean primary key default true,
    writes_per_minute   integer,                -- null: what the settings say
    available           double precision not null default 0,
    refilled_at         timestamptz not null,
    constraint queue_rate_only_row check (only_row),
    constraint queue_rate_positive check (writes_per_minute > 0)
);
insert into queue_rate (refilled_at) values (now());

create table token (
    id              bigint generated always as identity primary key,
    name            text not null,
    role            text not null,
    hash            bytea not null,             -- SHA-256 of 256 random bits
    created_at      timestamptz not null,
    expires_at      timestamptz,
    revoked_at      timestamptz,
    last_used_at    timestamptz,
    constraint token_name_taken unique (name),
    constraint token_hash unique (hash),
    constraint token_role check (role in ('admin', 'csr', 'intake', 'phan'))
);

-- Who did what, when, from where. Subscribers are named by id, so that erasing one leaves this whole.
create table audit (
    id              bigint generated always as identity primary key,
    at              timestamptz not null,
    actor           text not null,              -- 'token:NAME', 'user:NAME' or 'cli:NAME'
    address         text not null,
    action          text not null,              -- noun_verbed
    association_id  uuid,
    write_id        uuid,
    subscriber_id   bigint,
    device_id       bigint,
    gateway_id      bigint,
    detail          jsonb not null default '{}'
);
create index audit_of_association on audit (association_id, id) where association_id is not null;
create index audit_of_device on audit (device_id, id) where device_id is not null;

create function audit_refuse() returns trigger language plpgsql as $$
begin
    raise exception 'the audit trail is append-only'
        using errcode = 'insufficient_privilege', table = 'audit', constraint = 'audit_append_only';
end $$;

create trigger audit_append_only before update or delete on audit for each row execute function audit_refuse();
create trigger audit_never_truncated before truncate on audit for each statement execute function audit_refuse();

-- Which keys sealed what is in the field: their ids and a check value each, never the keys.
create table keyring_key (
    key_id          text primary key,
    check_value     bytea not null,
    created_at      timestamptz not null,
    retired_at      timestamptz
);
