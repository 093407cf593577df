-- Reports that are still to be handed on. They are claimed with a lease, by as many daemons as there are.

-- name: claim
-- The oldest that nobody has, at most $3 of them and $4 bytes; one that its receiver would not have goes alone.
with free as (
    select n, size, refused
    from report_spool
    where leased_until is null or leased_until <= $1
    order by n
    limit $3
    for update skip locked
),
chosen as (
    select n
    from (
        select n, refused, sum(size) over w as bytes, row_number() over w as place, first_value(refused) over w as first
        from free
        window w as (order by n)
    ) as counted
    where place = 1 or (first = 0 and refused = 0 and bytes <= $4)
)
update report_spool s set leased_until = $2
from chosen
where s.n = chosen.n
returning s.n, s.id, s.association_id, s.line_of_service, s.generation, s.gateway_id, s.oui, s.product_class,
          s.serial_number, s.received_at, s.content_type, s.report_format, s.unread, s.body, s.refused;

-- name: done
-- These were handed on, or are given up.
with gone as (
    delete from report_spool where n = any($1::bigint[]) returning size
)
update report_spool_size
set bytes = bytes - (select coalesce(sum(size), 0) from gone), reports = reports - (select count(*) from gone)
where shard = pg_backend_pid() % 64;

-- name: free
-- Nobody is there to have these at the moment.
update report_spool set leased_until = null where n = any($1::bigint[]);

-- name: refused
-- Their receiver would not have these: they rest for a while.
update report_spool set leased_until = $2, refused = refused + 1 where n = any($1::bigint[]);

-- name: waiting
-- How much waits, and since when.
select (select sum(reports)::bigint from report_spool_size) as reports,
       (select sum(bytes)::bigint from report_spool_size) as bytes,
       (select received_at from report_spool order by n limit 1) as oldest;

-- name: clean
-- Takes away what came before $1, at most $2.
with old as (
    select n from report_spool where received_at < $1 order by n limit $2 for update skip locked
),
gone as (
    delete from report_spool s using old where s.n = old.n returning s.size
),
counted as (
    update report_spool_size
    set bytes = bytes - (select coalesce(sum(size), 0) from gone), reports = reports - (select count(*) from gone)
    where shard = pg_backend_pid() % 64
)
select count(*) from gone;
