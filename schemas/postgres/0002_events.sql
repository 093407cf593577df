-- oldest daemon: 0.1.0
--
-- The stream of events: the history of writes in an order that readers can hold on to.
--
-- `seq` alone is none: a transaction that took its numbers early may commit late, below what was read already. But once a
-- transaction is older than every one that still runs, all of `xact` up to it is complete: a reader that goes by
-- (xact, seq), and no further than there, never misses a row.

drop index write_event_seq;
create index write_event_position on write_event (xact, seq);

-- How far the history has been cleaned away: whoever stood before it has missed something.
create table write_event_horizon (
    only_row    boolean primary key default true,
    xact        xid8 not null default '0',
    seq         bigint not null default 0,
    constraint write_event_horizon_only_row check (only_row)
);
insert into write_event_horizon default values;
