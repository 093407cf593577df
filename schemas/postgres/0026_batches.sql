-- oldest daemon: 0.1.0
--
-- The rows that sessions send many at a time (acs_bridge/store/sessions.py), in the order of their columns there. As
-- values of a type they cost the daemon a third of what JSON texts did, and Postgres need not parse them. What a daemon
-- sends never changes its shape under it: another shape is another type.

create type inform_row as (
    serial_number           text,
    oui                     text,
    product_class           text,
    manufacturer            text,
    hardware_version        text,
    software_version        text,
    root                    text,
    provisioning_code       text,
    parameter_key           text,
    connection_request_url  text,
    cwmp_namespace          text,
    profile                 text,
    address                 text,
    events                  text[],
    booted                  boolean,
    periodic                boolean,
    believed                boolean,
    exposed                 boolean,
    login                   bigint,
    again                   boolean,
    parked                  boolean,
    check_before            timestamptz,
    changed                 boolean,
    face                    bigint,
    tagged                  boolean,
    principal               text,
    gateway_ids             bigint[],
    pair_generation         integer
);

create type move_row as (
    gateway_id      bigint,
    session_number  bigint,
    write_id        uuid,
    moves           integer,
    event           text,
    at              timestamptz,
    attempts        smallint,
    step            smallint,
    parameter_key   text,
    request_id      text,
    lease_until     timestamptz,
    due_at          timestamptz,
    proof           text,
    profile         text,
    code            text,
    plan            text,
    fault           text
);
