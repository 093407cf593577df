-- oldest daemon: 0.1.0
--
-- What the intake needs to take a request in one statement, and to answer the same call with the same answer.

-- Whether nobody has, or waits for, a box: decided alone until the transaction ends, as `claim` of the gateways does it.
-- A function, because what it looks at must be seen as it is after the wait for whoever decided before.
create function box_is_free(the_oui text, the_serial_number text, the_product_class text) returns boolean
language plpgsql volatile as $$
begin
    perform pg_advisory_xact_lock(1, hashtext(the_oui || ' ' || the_serial_number));
    return not exists (
        select from gateway
        where serial_number = the_serial_number and oui = the_oui
          and (the_product_class is null or product_class = the_product_class)
    ) and not exists (select from device where wanted_serial = the_serial_number and wanted_oui = the_oui);
end $$;

-- What was answered to a call that carried an Idempotency-Key. It was written with what the call did, or not at all.
create table idempotency_key (
    owner           text not null,              -- the caller, as the audit trail names it
    key             text not null,
    fingerprint     bytea not null,             -- SHA-256 of what was asked
    status          smallint not null,
    location        text,
    media_type      text not null,
    body            text not null,
    created_at      timestamptz not null,
    primary key (owner, key),
    constraint idempotency_key_length check (length(key) between 1 and 255)
);
create index idempotency_key_age on idempotency_key (created_at);
