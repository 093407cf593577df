-- name: insert
-- A new line of service; no row when it is taken.
insert into device (line_of_service, line_key, created_at, updated_at) values ($1, $2, $3, $3)
on conflict (line_key) where deleted_at is null do nothing
returning id;

-- part: shown
-- What is shown of a line of service, as of $2.
select d.id, d.line_of_service, d.created_at, d.updated_at, d.gateway_id, coalesce(g.oui, d.wanted_oui) as oui,
       g.product_class, coalesce(g.serial_number, d.wanted_serial) as serial_number, g.last_inform_at,
       a.id as association_id, s.code as subscriber_code, s.name as subscriber_name,
       report_state($2, r.silent_at, r.last_at), r.since as reporting_since, r.last_at as last_report_at,
       w.oui as awaited_oui, w.product_class as awaited_product_class, w.until as awaited_until
from device d
left join gateway g on g.id = d.gateway_id
left join awaited_gateway w on w.device_id = d.id
left join association a on a.device_id = d.id and a.ended_at is null
left join subscriber s on s.id = a.subscriber_id
left join line_reporting r on r.association_id = a.id;

-- name: find
-- One line of service with its gateway (or the one that it wants) and its association.
-- begins with: shown
where d.line_key = $1 and d.deleted_at is null;

-- name: page
-- Newest first, from below a known id; of these ($8). $7 follows from $3, and is what the index of trigrams knows.
-- begins with: shown
where d.deleted_at is null
  and ($1::bigint is null or d.id < $1)
  and ($8::bigint[] is null or d.id = any($8))
  and ($3::text is null or d.line_key like $3)
  and ($7::text is null or translate(d.line_key, '-:._/,''’ ', '') like $7)
  and ($4::bool is null or $4 = (a.id is not null))
  and ($6::text is null or $6 = report_state($2, r.silent_at, r.last_at))
order by d.id desc
limit $5;

-- name: newest
-- So many of those that come next in a list.
select array(select id from device where deleted_at is null and ($1::bigint is null or id < $1) order by id desc limit $2);

-- name: with_nobody
-- A page of those that nobody is associated with.
with alone as materialized (
    select id from device where deleted_at is null and ($1::bigint is null or id < $1)
    except
    select device_id from association where ended_at is null and ($1::bigint is null or device_id < $1)
)
select array(select id from alone order by id desc limit $2);

-- name: these
-- Lines by their ids, newest first.
-- begins with: shown
where d.id = any($1::bigint[]) and d.deleted_at is null
order by d.id desc;

-- name: lock
-- Lines that are about to change, always in the order of their ids: by key, by the gateway that they have, and by the
-- gateway that they want.
select d.id, d.line_of_service, d.line_key, d.gateway_id, d.wanted_oui, d.wanted_serial
from device d
where d.id in (
    select id from device where line_key = $1 and deleted_at is null
    union all select id from device where gateway_id = $2
    union all select id from device where wanted_serial = $4 and wanted_oui = $3
) and d.deleted_at is null
order by d.id
for no key update;

-- name: bind
-- Gives a line its gateway, the one that it wants, or none. It waits for no other one any more.
with over as (delete from awaited_gateway where device_id = $1)
update device set gateway_id = $2, wanted_oui = $3, wanted_serial = $4, updated_at = $5 where id = $1;

-- name: wanting
-- Locks the line that wants this gateway, provided that no line has it.
select d.id, d.line_of_service, d.line_key, d.gateway_id, d.wanted_oui, d.wanted_serial
from gateway g
join device d on d.wanted_serial = g.serial_number and d.wanted_oui = g.oui
where g.id = $1 and not exists (select from device taken where taken.gateway_id = g.id)
for no key update of d;

-- name: await_next
-- Lets a line wait for the next gateway that comes, of this maker and kind or of any.
insert into awaited_gateway (device_id, oui, product_class, until, set_at, former_id) values ($1, $2, $3, $4, $5, $6)
on conflict (device_id) do update set
    oui = excluded.oui, product_class = excluded.product_class, until = excluded.until, set_at = excluded.set_at,
    former_id = coalesce(excluded.former_id, awaited_gateway.former_id);

-- name: stop_waiting
-- A line waits for the next gateway no more.
delete from awaited_gateway where device_id = $1 returning device_id;

-- name: alone_with_shelf
-- One at a time decides which lines wait for the next gateway, until its transaction ends: no index keeps apart what
-- may be of any maker.
select pg_advisory_xact_lock(2, 0);

-- name: rival
-- Another line that waits for a gateway that this one could get as well.
select d.line_of_service
from awaited_gateway w
join device d on d.id = w.device_id
where d.id <> $1 and w.until > $4
  and (w.oui is null or $2::text is null or w.oui = $2)
  and (w.product_class is null or $3::text is null or w.product_class = $3)
order by w.set_at
limit 1;

-- name: awaiting
-- Locks the lines that wait for whichever gateway comes next, and that this one fits, provided that no line has it.
select d.id, d.line_of_service, d.line_key, d.gateway_id, d.wanted_oui, d.wanted_serial
from gateway g
join awaited_gateway w on w.until > $2 and w.former_id is distinct from g.id and (w.oui is null or w.oui = g.oui)
                      and (w.product_class is null or w.product_class = g.product_class)
join device d on d.id = w.device_id
where g.id = $1 and not exists (select from device taken where taken.gateway_id = g.id)
order by d.id
limit 2
for no key update of d;

-- name: awaiting_for
-- Locks the line of an association, provided that it waits for whichever gateway comes next, and that no line has this.
select d.id, d.line_of_service, d.line_key, d.gateway_id, d.wanted_oui, d.wanted_serial
from association a
join device d on d.id = a.device_id
join awaited_gateway w on w.device_id = d.id and w.until > $3 and w.former_id is distinct from $1
where a.id = $2 and a.ended_at is null
  and not exists (select from device taken where taken.gateway_id = $1)
for no key update of d;

-- name: having
-- Locks the line that has this gateway.
select d.id, d.line_of_service, d.line_key, d.gateway_id, d.wanted_oui, d.wanted_serial
from device d
where d.gateway_id = $1
for no key update;

-- name: delete
-- Takes a line of service away that nobody is associated with: its row goes when nothing points at it.
with over as (delete from awaited_gateway where device_id = $1),
gone as (
    delete from device d
    where d.id = $1 and not exists (select from association a where a.device_id = d.id)
    returning d.id
)
update device set deleted_at = $2, updated_at = $2, gateway_id = null, wanted_oui = null, wanted_serial = null
where id = $1 and not exists (select from gone);
