-- oldest daemon: 0.1.0
--
-- Keys of PHAN URLs that take each other's place: which one seals what is new, which lines are still to be written again,
-- and how far that is.

-- One key is current. Former ones open what they sealed until they are retired; a prepared one waits for its turn.
alter table keyring_key
    add column state text not null default 'prepared',
    add constraint keyring_key_state check (state in ('prepared', 'current', 'former', 'retired')),
    add constraint keyring_key_retired check ((state = 'retired') = (retired_at is not null));
create unique index keyring_key_current on keyring_key (state) where state = 'current';

update keyring_key set state = 'current' where key_id = (select key_id from keyring_key order by created_at desc limit 1);

-- URLs of the generations from `counts_from` on count beside that of `generation`, until a write of that one is verified.
alter table association
    add column counts_from integer,
    add constraint association_counts_from check (counts_from between 1 and generation - 1);
create index association_of_key on association (key_id, id) where ended_at is null;
create index association_turned on association (id) where counts_from is not null and ended_at is null;

-- Every rotation, and how fast lines are written again: a bucket of at most one second's worth, for all daemons together.
create table key_rotation (
    id              uuid primary key,           -- also the batch of its writes
    key_id          text not null references keyring_key,
    lines           bigint not null,            -- that had a URL of another key when it began
    per_minute      integer not null,
    started_at      timestamptz not null,
    started_by      text not null,
    finished_at     timestamptz,
    available       double precision not null default 0,
    refilled_at     timestamptz not null,
    constraint key_rotation_positive check (per_minute > 0)
);
create unique index key_rotation_under_way on key_rotation ((true)) where finished_at is null;
