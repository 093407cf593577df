-- name: record
-- Who did what, when and from where. Subscribers are named by id only: nothing here says who they are.
insert into audit (at, actor, address, action, association_id, write_id, subscriber_id, device_id, gateway_id, detail)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: page
-- Newest first, from behind a known row. Records that are not there any more have no name.
select a.id, a.at, a.actor, a.address, a.action, a.association_id, a.write_id, a.subscriber_id, a.device_id,
       a.gateway_id, a.detail, s.code as subscriber_code, d.line_of_service,
       g.oui, g.product_class, g.serial_number
from (
    select * from audit
    where ($1::timestamptz is null or (at, id) < ($1, $2::bigint))
      and ($3::timestamptz is null or at >= $3)
      and ($4::timestamptz is null or at < $4)
      and ($5::text is null or actor = $5)
      and ($6::text is null or action = $6)
      and ($7::text is null or address = $7)
      and ($8::uuid is null or association_id = $8)
      and ($9::bigint is null or subscriber_id = $9)
      and ($10::bigint is null or device_id = $10)
      and ($11::bigint is null or gateway_id = $11)
    order by at desc, id desc
    limit $12
) as a
left join subscriber s on s.id = a.subscriber_id
left join device d on d.id = a.device_id
left join gateway g on g.id = a.gateway_id
order by a.at desc, a.id desc;

-- name: subscriber_of
-- The subscriber that a code names.
select id from subscriber where code_key = $1;

-- name: devices_of
-- The line of service that a text names: the one that there is, else the last one that there was.
select id from device where line_key = $1 order by deleted_at is null desc, id desc limit 1;

-- name: link_alone
-- One at a time may add to the chain, or cut it, until its transaction ends; false: somebody else does.
select pg_try_advisory_xact_lock(3, 0);

-- name: take_fresh
-- Takes some of what single requests wrote down to the other rows, where it waits for its link like them.
with taken as (
    delete from audit_fresh
    where id = any (array(select id from audit_fresh order by id limit $1))
    returning *
)
insert into audit overriding system value select * from taken order by id;

-- name: unlinked
-- Some of the rows that are not linked yet, which they are from now on.
with taken as (
    delete from audit_unlinked
    where ctid = any (array(select ctid from audit_unlinked limit $1))
    returning audit_id
)
select a.id, a.at, a.actor, a.address, a.action, a.association_id, a.write_id, a.subscriber_id, a.device_id,
       a.gateway_id, a.detail
from taken join audit a on a.id = taken.audit_id
order by a.id;

-- name: add_links
-- Their places in the chain.
insert into audit_link (n, audit_id, hash) select * from unnest($1::bigint[], $2::bigint[], $3::bytea[]);

-- name: head
-- The newest link, which may have been cut off; no row before the first one.
select n, hash from (
    (select n, hash from audit_link order by n desc limit 1)
    union all
    (select n, hash from audit_cut order by n desc limit 1)
) as ends
order by n desc limit 1;

-- name: newest_cut
-- What the chain goes on from, since its oldest part is gone.
select n, hash, before, at from audit_cut order by n desc limit 1;

-- name: links
-- The next links of the chain, each with its row, if that is still there.
select l.n, l.hash, l.audit_id, a.id, a.at, a.actor, a.address, a.action, a.association_id, a.write_id, a.subscriber_id,
       a.device_id, a.gateway_id, a.detail
from audit_link l
left join audit a on a.id = l.audit_id
where l.n > $1
order by l.n
limit $2;

-- name: take_time
-- What follows in this transaction may take as long as it needs.
select set_config('statement_timeout', '0', true), set_config('plan_cache_mode', 'force_custom_plan', true);

-- name: missing
-- The first row that is neither in the chain nor about to be, or that stands there twice.
select a.id
from only audit a
left join (select audit_id, count(*) as links from audit_link group by audit_id) as l on l.audit_id = a.id
left join (select distinct audit_id from audit_unlinked) as u on u.audit_id = a.id
where coalesce(l.links, 0) + (u.audit_id is not null)::int <> 1
order by a.id
limit 1;

-- name: awaiting
-- How many rows are not linked yet.
select (select count(*) from audit_unlinked) + (select count(*) from audit_fresh);

-- name: cut_off
-- Cuts off the beginning of the chain that is older; false: there is none.
select audit_cut_off($1);

-- name: clear
-- Deletes what was cut off, at most so many rows; how many those were.
select audit_clear($1);
