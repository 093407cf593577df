-- oldest daemon: 0.1.0
--
-- Writes that the daemon queues by itself: why each one was queued, and how many requests of writes a gateway has had
-- today, so that none of them becomes a loop.

alter table write
    add column cause text not null default 'associated',
    add constraint write_cause check (cause in ('associated', 'bound', 'left', 'credentials', 'bootstrap', 'readmitted'));

update write set cause = 'credentials' where purpose = 'credentials';
update write set cause = 'left' where purpose = 'clear';

-- Of 24 hours that begin with the first one. They carry no index.
alter table gateway
    add column written_from     timestamptz,
    add column written_count    integer not null default 0;
