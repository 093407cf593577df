-- name: look
-- Everything that a provisioning request meets, in one look: its subscriber, its line and who has it, the line's
-- gateway, the gateway that it names, and the request that stands there already.
select s.id as subscriber_id, s.name as subscriber_name,
       d.id as device_id, d.line_of_service, d.gateway_id, d.wanted_oui, d.wanted_serial,
       mine.oui, mine.product_class, mine.serial_number,
       a.id as association_id, a.subscriber_id as holder_id, holder.code as holder_code,
       named.fitting, named.named_id, other.line_of_service as other_line, waiting.line_of_service as waiting_line,
       named.busy, named.named_root, named.named_product_class, named.named_software_version, r.id as request_id, r.write_id, w.state as write_state
from (values (1)) as one
left join subscriber s on s.code_key = $1
left join device d on d.line_key = $2 and d.deleted_at is null
left join gateway mine on mine.id = d.gateway_id
left join association a on a.device_id = d.id and a.ended_at is null
left join subscriber holder on holder.id = a.subscriber_id
left join lateral (
    select count(*) as fitting, min(g.id) as named_id, min(g.root) as named_root,
           min(g.product_class) as named_product_class, min(g.software_version) as named_software_version,
           coalesce(bool_or(exists (
               select from write b
               where b.gateway_id = g.id and b.purpose in ('provision', 'clear')
                 and b.state in (select from_state from write_transition where event = 'superseded'))), false) as busy
    from gateway g
    where g.serial_number = $4 and g.oui = $3 and ($5::text is null or g.product_class = $5)
) as named on true
left join device other on other.gateway_id = named.named_id and named.fitting = 1
left join device waiting on waiting.wanted_serial = $4 and waiting.wanted_oui = $3
left join lateral (
    select q.id, q.write_id
    from provisioning_request q
    where q.association_id = a.id and q.oui is not distinct from $3 and q.serial_number is not distinct from $4
      and q.product_class is not distinct from $5
    order by q.id
    limit 1
) as r on true
left join write w on w.id = r.write_id;

-- name: accept_new
-- A request for a line that is new, all of it at once: what is known already is given by its id ($2 subscriber, $9
-- gateway), everything else is made. No row: something of it is known after all. A unique violation: somebody else was
-- quicker by a moment, or the token of a caller who was recalled ($20) counts no more. Either way, look.
-- All ids are drawn first, so that no part waits for what another one returns.
with new_line as materialized (
    select coalesce((select key_id from keyring_key where state = 'current'), $13) as key_id,
           coalesce($2, nextval('subscriber_id_seq')) as subscriber_id,
           case when $9::bigint is not null then $9 when $7::text is not null then nextval('gateway_id_seq') end
               as gateway_id,
           nextval('device_id_seq') as device_id
    where ($20::bytea is null or exists (
               select from token t
               where t.hash = $20 and t.revoked_at is null and (t.expires_at is null or t.expires_at > $1)))
       and not exists (select from device d where d.line_key = $11 and d.deleted_at is null)
       and ($2::bigint is not null or not exists (select from subscriber s where s.code_key = $4))
       and ($9::bigint is not null or $8::text is null or box_is_free($6, $8, $7))
),
new_subscriber as (
    insert into subscriber (id, code, code_key, name, created_at, updated_at) overriding system value
    select subscriber_id, $3, $4, $5, $1, $1 from new_line where $2::bigint is null
),
new_gateway as (
    insert into gateway (id, oui, product_class, serial_number, created_at) overriding system value
    select gateway_id, $6, $7, $8, $1 from new_line where $9::bigint is null and $7::text is not null
),
new_device as (
    insert into device (id, line_of_service, line_key, gateway_id, wanted_oui, wanted_serial, created_at, updated_at)
    overriding system value
    select device_id, $10, $11, gateway_id, case when gateway_id is null then $6 end,
           case when gateway_id is null then $8 end, $1, $1
    from new_line
),
new_association as (
    insert into association (id, subscriber_id, device_id, key_id, issued_at, created_at, created_by)
    select $12, subscriber_id, device_id, key_id, $14, $1, $15 from new_line
),
new_write as (
    insert into write (id, purpose, association_id, device_id, gateway_id, batch_id, generation, key_id,
                       moved_at, moved_by, due_at, created_at)
    select $16, 'provision', $12, device_id, gateway_id, $19, 1, key_id, $1, $15, $1, $1 from new_line
),
new_request as (
    insert into provisioning_request (id, association_id, write_id, oui, product_class, serial_number, created_at,
                                      created_by)
    select $17, $12, $16, $6, $7, $8, $1, $15 from new_line
)
insert into audit_fresh (at, actor, address, action, association_id, write_id, subscriber_id, device_id, gateway_id)
select $1, $15, $18, 'request_accepted', $12, $16, subscriber_id, device_id, gateway_id from new_line
returning true;

-- name: insert
-- The record of a request that met something known.
insert into provisioning_request (id, association_id, write_id, oui, product_class, serial_number, created_at, created_by)
values ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: find
-- One request and what became of it.
select r.id, r.association_id, r.write_id, r.created_at, r.created_by, w.state
from provisioning_request r
join write w on w.id = r.write_id
where r.id = $1;

-- name: current_write
-- The newest provisioning of an association.
select id, state from write where association_id = $1 and purpose = 'provision' order by generation desc, id desc limit 1;
