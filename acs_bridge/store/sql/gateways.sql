-- name: claim
-- One at a time may decide about the boxes with this OUI and serial number, until its transaction ends: one that is
-- awaited and one that is recorded stand in different tables, so that no index keeps them apart.
select pg_advisory_xact_lock(1, hashtext($1 || ' ' || $2));

-- name: ensure
-- Makes a gateway known that has not informed yet; no row when it is known already.
insert into gateway (oui, product_class, serial_number, created_at) values ($1, $2, $3, $4)
on conflict (serial_number, oui, product_class) do nothing
returning id;

-- name: fitting
-- The gateways that an identity names, whose product class may be left open, each with the line that has it.
select g.id, d.line_key
from gateway g
left join device d on d.gateway_id = g.id
where g.serial_number = $2 and g.oui = $1 and ($3::text is null or g.product_class = $3)
order by g.id
limit 3;

-- name: ending
-- Gateways that no line has, whose serial number ends like this ($1, capitals do not count), of this maker and kind.
select g.id, g.oui, g.product_class, g.serial_number
from gateway g
where reverse(upper(g.serial_number)) collate "C" >= reverse(upper($1))
  and reverse(upper(g.serial_number)) collate "C" < reverse(upper($1)) || chr(1114111)
  and ($2::text is null or g.oui = $2)
  and ($3::text is null or g.product_class = $3)
  and not exists (select from device d where d.gateway_id = g.id)
order by g.id desc
limit 4;

-- name: newcomers
-- Gateways that nobody knew before $1, that have informed since, that no line has or had, and that nobody has to approve
-- first; of this maker and kind. Nothing that an Inform changes has an index, so that only the newest ones are looked at.
select g.id, g.oui, g.product_class, g.serial_number
from (select * from gateway order by id desc limit 1000) g
where g.created_at >= $1
  and g.first_inform_at is not null
  and ($2::text is null or g.oui = $2)
  and ($3::text is null or g.product_class = $3)
  and (g.approved_at is not null or not exists (select from inbox i where i.gateway_id = g.id))
  and not exists (select from quarantine q where q.gateway_id = g.id)
  and not exists (select from device d where d.gateway_id = g.id)
  and not exists (select from write w where w.gateway_id = g.id)
order by g.id desc
limit 4;

-- name: take_in_stock
-- Records a gateway that somebody has; one that came by itself is no stranger any more.
with new as (
    insert into gateway (oui, product_class, serial_number, created_at) values ($1, $2, $3, $4)
    on conflict (serial_number, oui, product_class) do nothing
    returning id
),
known as (
    select id from gateway where serial_number = $3 and oui = $1 and product_class = $2
),
no_stranger as (
    delete from inbox where gateway_id in (select id from known)
)
select id, true as is_new from new
union all
select id, false from known
limit 1;

-- part: shown
-- What is shown of a gateway.
select g.id, g.oui, g.product_class, g.serial_number, g.manufacturer, g.hardware_version, g.software_version, g.root,
       g.provisioning_code, g.profile, g.address, g.events, g.created_at, g.approved_at, g.approved_by,
       g.first_inform_at, g.last_inform_at, g.booted_at, g.periodic_at, g.periodic_seconds, d.line_of_service,
       r.rung_at, r.result as ring_result, r.http_status as ring_http_status, r.rings,
       g.pair,
       coalesce((select json_agg(json_build_object('reason', q.reason, 'since', q.first_at, 'last_at', q.last_at,
                                                   'address', q.address, 'claimed', q.claimed, 'calls', q.calls)
                                 order by q.first_at, q.reason, q.address)
                 from quarantine q where q.gateway_id = g.id), '[]'::json) as quarantine,
       case when d.id is null then (
           select json_build_object('line_of_service', held.line_of_service, 'gateway_id', o.id,
                                    'reason', 'serial_number')
           from gateway o join device held on held.gateway_id = o.id
           where o.serial_number = g.serial_number and o.id <> g.id
             and (o.oui = g.oui or o.product_class = g.product_class)
             and (g.last_inform_at >= o.last_inform_at) is not false
           order by o.id desc limit 1) end as candidacy
from gateway g
left join device d on d.gateway_id = g.id
left join ring r on r.gateway_id = g.id;

-- name: find
-- One gateway by its id.
-- begins with: shown
where g.id = $1;

-- name: namesakes
-- Those on no line that have informed since a gateway did for the last time, under its serial number and another OUI or
-- product class.
-- begins with: shown
where g.serial_number = (select serial_number from gateway where id = $1)
  and g.id <> $1 and d.id is null and g.first_inform_at is not null
  and exists (
      select from gateway o
      where o.id = $1 and (o.oui = g.oui or o.product_class = g.product_class)
        and (g.last_inform_at >= o.last_inform_at) is not false)
order by g.last_inform_at desc
limit 3;

-- name: page
-- Those that have informed or ($2) have not yet, newest first; $3, $4, $5: whether on no line, with calls kept out,
-- approved; with a text ($7, $8: as it was typed, and as lines are compared); of these ($9).
-- begins with: shown
where ($1::bigint is null or g.id < $1)
  and (g.first_inform_at is not null) = $2
  and ($3::bool is null or $3 = (d.id is null))
  and ($4::bool is null or $4 = exists (select from quarantine q where q.gateway_id = g.id))
  and ($5::bool is null or $5 = (g.approved_at is not null))
  and ($7::text is null or g.serial_number ilike $7 or g.oui ilike $7 or g.product_class ilike $7
       or g.manufacturer ilike $7 or d.line_key like $8)
  and ($9::bigint[] is null or g.id = any($9))
order by g.id desc
limit $6;

-- name: newest
-- So many of those that come next in a list.
select array(select id from gateway where ($1::bigint is null or id < $1) order by id desc limit $2);

-- name: named
-- Up to so many ($6) that may have a text, by index: $4 is what the indexes of trigrams know of it; makers and models are
-- few, and looked at one by one ($3: the text as it was typed). Of each kind the newest $5 are enough, or (null) all are
-- meant; $1, $2 as in a page.
with recursive kind as (
    (select oui || ' ' || product_class as name from gateway order by oui || ' ' || product_class limit 1)
    union all
    select next.name
    from kind k
    cross join lateral (
        select g.oui || ' ' || g.product_class as name
        from gateway g
        where g.oui || ' ' || g.product_class > k.name
        order by g.oui || ' ' || g.product_class
        limit 1
    ) next
),
model as (
    select k.name
    from kind k
    where k.name ilike $3 or exists (
        select from (
            select g.manufacturer
            from gateway g
            where g.oui || ' ' || g.product_class = k.name
            order by g.id desc
            limit 10
        ) made
        where made.manufacturer ilike $3)
)
select array(
    select id from gateway where translate(lower(oui || serial_number), '-:._/,''’ ', '') like $4
    union all
    select gateway_id from device
    where deleted_at is null and gateway_id is not null and translate(line_key, '-:._/,''’ ', '') like $4
    union all
    select one.id
    from model m
    cross join lateral (
        select g.id
        from gateway g
        where g.oui || ' ' || g.product_class = m.name
          and ($1::bigint is null or g.id < $1) and (g.first_inform_at is not null) = $2
        order by g.id desc
        limit $5
    ) one
    limit $6
);

-- name: on_no_line
-- A page of those that no line has, by what two indexes say; $2, $3: that have informed or not, and are approved or not.
with alone as materialized (
    select id from gateway where ($1::bigint is null or id < $1)
    except
    select gateway_id from device where ($1::bigint is null or gateway_id < $1)
)
select array(
    select g.id
    from alone join gateway g using (id)
    where (g.first_inform_at is not null) = $2 and ($3::bool is null or $3 = (g.approved_at is not null))
    order by g.id desc
    limit $4
);

-- name: in_quarantine
-- Those in whose name calls were kept out.
select array(select distinct gateway_id from quarantine where ($1::bigint is null or gateway_id < $1));

-- name: approve
-- Lets a gateway out of the inbox; the first approval stays.
update gateway set approved_at = $2, approved_by = $3 where id = $1 and approved_at is null returning id;

-- name: doubt
-- What a gateway shows is compared with nothing any more, until a value is proven to be in it again.
update gateway set kept_version = null where id = $1;

-- name: provisioning_code
-- What a gateway carries of a line without being asked, as of its last Inform.
select provisioning_code from gateway where id = $1;

-- name: kind
-- What profiles match a gateway by; `root` is empty before its first Inform.
select root, oui, product_class, software_version from gateway where id = $1;

-- name: kinds
-- What gateways on record are like, as far as profiles look at it. Asked when profiles are read anew, never by a session.
select distinct root, oui, product_class, software_version
from gateway
where first_inform_at is not null;

-- name: longest_line
-- The line of service that makes the longest PHAN URL.
select d.line_of_service
from association a
join device d on d.id = a.device_id
where a.ended_at is null
order by octet_length(d.line_of_service) desc
limit 1;
