-- Many provisioning requests at a time, all of them in one transaction. Their statements run in this order, and each
-- takes its rows in the order of their keys, so that two uploads of the same lines wait for each other instead of dying.

-- name: claim
-- As `claim` of the gateways, for many boxes. What follows in this transaction is planned once for a connection, and
-- goes by index: an upload may begin on empty tables, for which anything looks as good, and fills them.
select set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true),
       count(pg_advisory_xact_lock(1, box.name))
from (select distinct hashtext(name) as name from unnest($1::text[]) as name order by 1) as box;

-- name: look
-- As `look` of the requests, for many of them, in their order. Every part is limited to the one row that there can be:
-- so each line looks its own rows up, in whatever order the planner would rather join whole tables.
-- A plan that was made on empty tables is kept while the upload fills them: with ordinary joins the second thousand
-- lines took 12 s instead of 0.08 s.
select s.id as subscriber_id, s.name as subscriber_name,
       d.id as device_id, d.line_of_service, d.gateway_id, d.wanted_oui, d.wanted_serial,
       d.oui, d.product_class, d.serial_number, d.association_id, d.holder_id, d.holder_code,
       named.fitting, named.named_id, other.line_of_service as other_line, waiting.line_of_service as waiting_line,
       named.busy, named.named_root, named.named_product_class, named.named_software_version,
       r.request_id, r.write_id, r.write_state
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) with ordinality
    as asked (code_key, line_key, oui, serial_number, product_class, place)
left join lateral (
    select s.id, s.name from subscriber s where s.code_key = asked.code_key limit 1
) as s on true
left join lateral (
    select d.id, d.line_of_service, d.gateway_id, d.wanted_oui, d.wanted_serial,
           mine.oui, mine.product_class, mine.serial_number,
           a.id as association_id, a.subscriber_id as holder_id, holder.code as holder_code
    from device d
    left join gateway mine on mine.id = d.gateway_id
    left join association a on a.device_id = d.id and a.ended_at is null
    left join subscriber holder on holder.id = a.subscriber_id
    where d.line_key = asked.line_key and d.deleted_at is null
    limit 1
) as d on true
left join lateral (
    select count(*) as fitting, min(g.id) as named_id, min(g.root) as named_root,
           min(g.product_class) as named_product_class, min(g.software_version) as named_software_version,
           coalesce(bool_or(exists (
               select from write b
               where b.gateway_id = g.id and b.purpose in ('provision', 'clear')
                 and b.state in (select from_state from write_transition where event = 'superseded'))), false) as busy
    from gateway g
    where g.serial_number = asked.serial_number and g.oui = asked.oui
      and (asked.product_class is null or g.product_class = asked.product_class)
) as named on true
left join lateral (
    select o.line_of_service from device o where o.gateway_id = named.named_id and named.fitting = 1 limit 1
) as other on true
left join lateral (
    select o.line_of_service
    from device o
    where o.wanted_serial = asked.serial_number and o.wanted_oui = asked.oui
    limit 1
) as waiting on true
left join lateral (
    select q.id as request_id, q.write_id, w.state as write_state
    from provisioning_request q
    join write w on w.id = q.write_id
    where q.association_id = d.association_id and q.oui is not distinct from asked.oui
      and q.serial_number is not distinct from asked.serial_number
      and q.product_class is not distinct from asked.product_class
    order by q.id
    limit 1
) as r on true
order by asked.place;

-- name: add_subscribers
-- New subscribers.
insert into subscriber (code, code_key, name, created_at, updated_at)
select code, code_key, name, $4, $4 from unnest($1::text[], $2::text[], $3::text[]) as new (code, code_key, name)
returning code_key, id;

-- name: add_gateways
-- Gateways that nobody has seen yet.
insert into gateway (oui, serial_number, product_class, created_at)
select oui, serial_number, product_class, $4
from unnest($1::text[], $2::text[], $3::text[]) as new (oui, serial_number, product_class)
returning oui, serial_number, id;

-- name: add_devices
-- New lines, each with its gateway or with the one that it waits for.
insert into device (line_of_service, line_key, gateway_id, wanted_oui, wanted_serial, created_at, updated_at)
select line_of_service, line_key, gateway_id, wanted_oui, wanted_serial, $6, $6
from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[])
    as new (line_of_service, line_key, gateway_id, wanted_oui, wanted_serial)
returning line_key, id;

-- name: add_associations
-- New lines are associated, their writes queued, their requests kept, and all of it written down.
with sealing as (
    select coalesce((select key_id from keyring_key where state = 'current'), $10) as key_id
),
line as (
    select *
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::text[],
                $9::text[])
        as line (request_id, association_id, write_id, subscriber_id, device_id, gateway_id, oui, serial_number,
                 product_class)
),
new_association as (
    insert into association (id, subscriber_id, device_id, key_id, issued_at, created_at, created_by)
    select association_id, subscriber_id, device_id, sealing.key_id, $11, $12, $13 from line, sealing
),
new_write as (
    insert into write (id, purpose, association_id, device_id, gateway_id, batch_id, generation, key_id,
                       moved_at, moved_by, due_at, created_at)
    select write_id, 'provision', association_id, device_id, gateway_id, $14, 1, sealing.key_id, $12, $13, $12, $12
    from line, sealing
),
new_request as (
    insert into provisioning_request (id, association_id, write_id, oui, product_class, serial_number, created_at,
                                      created_by)
    select request_id, association_id, write_id, oui, product_class, serial_number, $12, $13 from line
)
insert into audit (at, actor, address, action, association_id, write_id, subscriber_id, device_id, gateway_id)
select $12, $13, $15, 'request_accepted', association_id, write_id, subscriber_id, device_id, gateway_id from line;

-- name: met
-- Of the boxes that lines have just begun to wait for, those that have informed meanwhile and are still free.
select min(g.id) as id
from unnest($1::text[], $2::text[]) as wanted (oui, serial_number)
join gateway g on g.serial_number = wanted.serial_number and g.oui = wanted.oui
left join device d on d.gateway_id = g.id
group by wanted.oui, wanted.serial_number
having count(*) = 1 and count(d.id) = 0;
