-- Gateways that are taken in stock by the hundred. Their boxes are claimed before (`claim` of bulk), which also has what
-- follows planned once and go by index.

-- name: known
-- Those of some boxes that are recorded, each with the pair that it is to have and the one that was imported.
select g.id, asked.oui, asked.product_class, asked.serial_number, g.pair, p.username, p.sealed, p.realm
from unnest($1::text[], $2::text[], $3::text[]) as asked (oui, product_class, serial_number)
cross join lateral (
    select id, pair from gateway
    where serial_number = asked.serial_number and oui = asked.oui and product_class = asked.product_class
    limit 1
) as g
left join lateral (select username, sealed, realm from gateway_pair where gateway_id = g.id limit 1) as p on true;

-- name: crowds
-- How many gateways have each of these user names.
select asked.username, crowd.size
from unnest($1::text[]) as asked (username)
cross join lateral (select count(*) as size from gateway_pair where username = asked.username) as crowd
where crowd.size > 0;

-- name: add
-- New gateways; those that have a pair take it in place of the one that all share. No row for one that has come meanwhile.
insert into gateway (oui, product_class, serial_number, created_at, pair, takes_bootstrap, takes_imported)
select oui, product_class, serial_number, $5, case when paired then 'imported' else 'bootstrap' end, not paired, paired
from unnest($1::text[], $2::text[], $3::text[], $4::boolean[]) as new (oui, product_class, serial_number, paired)
on conflict (serial_number, oui, product_class) do nothing
returning id, oui, product_class, serial_number;

-- name: add_pairs
-- The pairs that new gateways have.
insert into gateway_pair (gateway_id, username, sealed, realm, created_at, created_by)
select gateway_id, username, sealed, realm, $5, $6
from unnest($1::bigint[], $2::text[], $3::bytea[], $4::text[]) as pair (gateway_id, username, sealed, realm);

-- name: record
-- One deed with each of some gateways, written down.
insert into audit (at, actor, address, action, gateway_id)
select $1, $2, $3, $4, id from unnest($5::bigint[]) as id;

-- name: no_strangers
-- Gateways that somebody has are no strangers any more.
delete from inbox where gateway_id = any($1::bigint[]);

-- name: awaited
-- Those of some new gateways that a line may wait for, by their names or as the next ones that come.
select g.id
from gateway g
where g.id = any($1::bigint[])
  and (exists (select from device d where d.wanted_serial = g.serial_number and d.wanted_oui = g.oui)
       or exists (select from awaited_gateway w
                  where w.until > $2 and (w.oui is null or w.oui = g.oui)
                    and (w.product_class is null or w.product_class = g.product_class)))
order by g.id;
