-- name: counts
-- How many writes are in each state.
select state, count(*) as writes, min(created_at) filter (where state = 'queued') as oldest_queued
from write
group by state;

-- name: gateways
-- Gateways that have informed, those that no line has, those in whose name calls were kept out, and those that missed two of their periodic Informs:
-- the second is missed when it is half a beat late, because what was measured between two Informs is not the beat itself.
select count(*) as known,
       count(*) filter (where d.id is null) as unclaimed,
       (select count(distinct gateway_id) from quarantine) as quarantined,
       count(*) filter (where g.last_inform_at + make_interval(secs => 2.5 * g.periodic_seconds) < $1) as overdue
from gateway g
left join device d on d.gateway_id = g.id
where g.first_inform_at is not null;

-- name: brakes
-- What is held back at present.
select batch_id, profile, software_version, set_at, set_by from brake order by id;

-- name: pause
-- Sets a brake; the one that is set already stays as it is.
insert into brake (batch_id, profile, software_version, set_at, set_by) values ($1, $2, $3, $4, $5)
on conflict do nothing
returning id;

-- name: resume
-- Takes a brake off.
delete from brake
where batch_id is not distinct from $1 and profile is not distinct from $2 and software_version is not distinct from $3
returning id;

-- name: rate
-- The ceiling that operators have set; null: what the settings say.
select writes_per_minute from queue_rate;

-- name: set_rate
-- Sets the ceiling for all workers; the bucket starts empty.
update queue_rate set writes_per_minute = $1, available = 0, refilled_at = $2;

-- name: batch_counts
-- How many writes of a batch are in each state.
select state, count(*) as writes, min(created_at) as created_at from write where batch_id = $1 group by state;

-- name: batch_is_braked
-- Whether somebody holds this batch back, or everything.
select exists (
    select from brake
    where profile is null and software_version is null and (batch_id is null or batch_id = $1)
);

-- name: moves_since
-- How many writes came into each state in each minute since a time. The history lies in the order of time, all but
-- exactly: only its end is read.
select date_trunc('minute', at) as minute, to_state as state, count(*) as moves
from write_event
where at >= $1
group by 1, 2;

-- name: faults
-- What waits for an operator, by its fault.
select coalesce(fault ->> 'code', fault ->> 'text', '') as fault, (fault ->> 'code')::int as code,
       min(coalesce(fault ->> 'text', '')) as text, count(*) as writes
from write
where state in ('rejected', 'failed')
group by 1, 2
order by 4 desc, 1
limit 50;
