-- oldest daemon: 0.1.0
--
-- The console: who may log in, who is logged in, and how often somebody has tried.

create table console_user (
    id              bigint generated always as identity primary key,
    name            text not null,
    name_key        text not null,
    role            text not null,
    password_hash   text not null,              -- Argon2id, in PHC's format
    must_change     boolean not null,           -- the password was made here and shown once: nothing else can be done with it
    created_at      timestamptz not null,
    password_at     timestamptz not null,
    last_login_at   timestamptz,
    disabled_at     timestamptz,
    constraint console_user_name_taken unique (name_key),
    constraint console_user_role check (role in ('admin', 'csr'))
);

create table console_session (
    hash            bytea primary key,          -- SHA-256 of what the cookie carries
    user_id         bigint not null references console_user on delete cascade,
    started_at      timestamptz not null,
    seen_at         timestamptz not null,       -- to the minute
    ends_at         timestamptz not null        -- however busy it is
);
create index console_session_of_user on console_session (user_id);
create index console_session_end on console_session (ends_at);

-- Attempts to log in that have not been forgiven by one that succeeded: by browser, by address, by user name. Names and
-- browsers are numbers out of a bounded set (of a hash), so that nobody can fill this, and no name is in it.
create table login_throttle (
    kind            text not null,
    key             text not null,
    attempts        integer not null,
    at              timestamptz not null,       -- of the newest
    held_until      timestamptz not null,
    primary key (kind, key),
    constraint login_throttle_kind check (kind in ('browser', 'address', 'name'))
);
create index login_throttle_age on login_throttle (at);

-- What happened in the last hour, for the plot: rows are appended in the order of time, all but exactly.
create index write_event_at on write_event using brin (at) with (autosummarize = on, pages_per_range = 16);
