-- The inbox of gateways that nobody knows.

-- name: leave
-- Gateways that somebody knows by now: they were approved, or are the box of a line.
delete from inbox b
using gateway g
where g.id = b.gateway_id
  and (g.approved_at is not null or exists (select from device d where d.gateway_id = g.id)
       or exists (select from write w where w.gateway_id = g.id));

-- name: forget_silent
-- Those that were not heard of since $1, at most $2 of them.
delete from gateway
where id in (
    select g.id from inbox b join gateway g on g.id = b.gateway_id
    where g.last_inform_at < $1
    limit $2
    for update of g skip locked
)
returning id;

-- name: forget_oldest
-- So many of those that were silent for longest.
delete from gateway
where id in (
    select g.id from inbox b join gateway g on g.id = b.gateway_id
    order by g.last_inform_at
    limit $1
    for update of g skip locked
)
returning id;

-- name: count_rows
select count(*) from inbox;

-- name: tell
update inbox_bound set is_full = $1, rows_per_address = $2
where is_full <> $1 or rows_per_address <> $2;
