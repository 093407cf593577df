-- name: ask
-- Begins to look at a gateway, in its newest session only; no row when it was looked at with this software and this
-- profile, when it was asked in vain too often ($8), or when there is a newer session.
insert into observation (gateway_id, id, software_version, profile, session_number, request_id, asked_at)
select g.id, $3, $4, $5, $2, $6, $7 from gateway g where g.id = $1 and g.session_number = $2
on conflict (gateway_id) do update set
    id = excluded.id,
    software_version = excluded.software_version,
    profile = excluded.profile,
    session_number = excluded.session_number,
    request_id = excluded.request_id,
    attempts = case when observation.software_version = excluded.software_version
                         and observation.profile = excluded.profile then observation.attempts + 1 else 1 end,
    asked_at = excluded.asked_at,
    answered_at = null, outcome = null, words = '', association_id = null, generation = null, key_id = null
where observation.software_version <> excluded.software_version or observation.profile <> excluded.profile
   or (observation.outcome is null and observation.attempts < $8)
returning gateway_id;

-- name: standing
-- What is being asked in a session, and of which kind of gateway.
select o.id, o.request_id, g.root, g.oui, g.product_class, g.software_version
from gateway g
left join observation o on o.gateway_id = g.id and o.session_number = g.session_number and o.request_id is not null
where g.id = $1 and g.session_number = $2;

-- name: answer
-- What came of it; no row when a newer session has asked since.
update observation set request_id = null, answered_at = $3, outcome = $4, words = $5, association_id = $6, generation = $7,
                       key_id = $8
where gateway_id = $1 and id = $2 and request_id is not null
returning gateway_id;

-- name: holder
-- The gateway that was seen with this PHAN URL, and has not been looked at since with another outcome.
select gateway_id from observation where association_id = $1 and generation = $2 and key_id = $3 order by answered_at desc
limit 1;

-- name: line
-- The line that a gateway has, and who has that.
select d.line_of_service from device d where d.gateway_id = $1;

-- name: survey
-- Gateways that have informed by model and software version: what each could get, as far as anybody looked.
select g.manufacturer, g.product_class, g.software_version,
       count(*) as gateways,
       count(*) filter (where g.profile is null) as no_profile,
       count(*) filter (where g.profile is not null and o.outcome = 'provisionable') as provisionable,
       count(*) filter (where g.profile is not null and o.outcome = 'missing') as missing,
       count(*) filter (where g.profile is not null and o.outcome = 'too_short') as too_short,
       count(*) filter (where g.profile is not null and o.outcome = 'refused') as refused,
       count(*) filter (where g.profile is not null and o.outcome is null) as unknown,
       count(*) filter (where o.association_id is not null) as with_url,
       min(o.words) filter (where o.words <> '') as words
from gateway g
left join observation o on o.gateway_id = g.id and o.software_version = g.software_version and o.profile = g.profile
where g.first_inform_at is not null
group by g.manufacturer, g.product_class, g.software_version
order by gateways desc, g.manufacturer, g.product_class, g.software_version;
