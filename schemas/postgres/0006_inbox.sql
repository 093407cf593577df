-- oldest daemon: 0.1.0
--
-- Gateways that nobody knows: how many of them are taken down, and where they came from.

-- Gateways that came by themselves, showed no more than the pair that all share, and were neither approved nor bound
-- since. Informs of known gateways leave it alone.
create table inbox (
    gateway_id  bigint primary key references gateway on delete cascade,
    address     text not null       -- of the first Inform
);
create index inbox_address on inbox (address);

-- What Informs are told of its bounds, as the daemon that keeps house last counted. One row.
create table inbox_bound (
    only_row            boolean primary key default true check (only_row),
    is_full             boolean not null default false,
    rows_per_address    int not null default 5000
);
insert into inbox_bound default values;
