-- oldest daemon: 0.1.0
--
-- What a daemon has read that observes: one row a gateway, about the software version that it had then.

create table observation (
    gateway_id          bigint primary key references gateway on delete cascade,
    id                  uuid not null,          -- names the request, as a write names its own
    software_version    text not null,
    profile             text not null,          -- the profile whose parameters were asked for
    session_number      bigint not null,        -- of the session that asked
    request_id          text,                   -- cwmp:ID of the request that is outstanding
    attempts            smallint not null default 1,
    asked_at            timestamptz not null,
    answered_at         timestamptz,
    outcome             text,
    words               text not null default '',       -- what is missing, or too long; never a value
    association_id      uuid,                   -- of the PHAN URL of ours that it holds, if it holds one
    generation          integer,
    key_id              text,
    constraint observation_outcome check (outcome in ('provisionable', 'missing', 'too_short', 'refused')),
    constraint observation_answered check ((outcome is null) = (answered_at is null))
);
