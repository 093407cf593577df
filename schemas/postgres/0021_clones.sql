-- oldest daemon: 0.1.0
--
-- Two boxes under one DeviceId. A box changes what it shows of itself, but it does not change back and forth.

alter table gateway
    add column face         bigint,         -- a hash of what its last Inform showed: maker, versions, our ParameterKey
    add column former_face  bigint,         -- the one before that
    add column turns        smallint not null default 0,    -- how often it came back to the former one, from elsewhere,
    add column turned_at    timestamptz,                    -- since then
    add column cloned_at    timestamptz;    -- that was too often: nothing is handed out until an Admin has decided

alter table quarantine
    drop constraint quarantine_reason,
    add constraint quarantine_reason check (reason in ('bootstrap_pair', 'foreign_pair', 'retired_pair', 'clone'));
