-- name: begin
-- A rotation begins; the lines that it is about are counted once, after its key has become the current one.
insert into key_rotation (id, key_id, lines, per_minute, started_at, started_by, refilled_at)
select $1, $2, count(*), $3, $4, $5, $4 from association where ended_at is null and key_id <> $2;

-- name: set_rate
-- How fast lines are written again in the rotation that is under way.
update key_rotation set per_minute = $1 where finished_at is null;

-- name: newest
-- The rotation that is under way, or the last one: how many lines have a URL of another key, of how many the new one is not
-- verified, and how many of its writes came to nothing.
select r.id, r.key_id, r.lines, r.per_minute, r.started_at, r.started_by, r.finished_at,
       case when r.finished_at is null
            then (select count(*)
                  from association a
                  where a.ended_at is null
                    and a.key_id in (select key_id from keyring_key where state in ('former', 'retired')))
            else 0 end as waiting,
       case when r.finished_at is null
            then (select count(*) from association a where a.ended_at is null and a.counts_from is not null)
            else 0 end as under_way,
       case when r.finished_at is null
            then (select count(*)
                  from association a
                  join write w on w.association_id = a.id and w.purpose = 'provision' and w.generation = a.generation
                  where a.ended_at is null and a.counts_from is not null and w.state in ('rejected', 'failed'))
            else 0 end as unsuccessful,
       (select array_agg(k.key_id order by k.key_id) from keyring_key k where k.state = 'former') as former_keys,
       exists (select from brake b
               where b.profile is null and b.software_version is null
                 and (b.batch_id is null or b.batch_id = r.id)) as paused
from key_rotation r
order by r.finished_at is null desc, r.started_at desc
limit 1;

-- name: claim
-- How many lines may be written again now ($2: at most) in the rotation that is under way; no row when there is none, when
-- it is paused, or when another daemon is at it at this moment.
with turn as (
    select r.id,
           least(greatest(1, r.per_minute / 60.0),
                 r.available + r.per_minute / 60.0 * greatest(0, extract(epoch from $1 - r.refilled_at))) as available
    from key_rotation r
    where r.finished_at is null
      and not exists (select from brake b
                      where b.profile is null and b.software_version is null
                        and (b.batch_id is null or b.batch_id = r.id))
    for update skip locked
)
update key_rotation r set available = turn.available - least(floor(turn.available), $2), refilled_at = $1
from turn
where r.id = turn.id
returning r.id, r.started_by, least(floor(turn.available), $2)::int as lines;

-- name: to_turn
-- Lines whose URL is of a key that is not the current one, from behind a known one; not those whose write is under way.
select a.id, d.line_key
from association a
join device d on d.id = a.device_id
where a.ended_at is null and a.key_id in (select key_id from keyring_key where state in ('former', 'retired'))
  and ($1::uuid is null or a.id > $1)
  and not exists (
      select from write p
      where p.association_id = a.id and p.purpose = 'provision' and p.finished_at is null
        and (p.state in ('sent', 'in_doubt') or p.request_id is not null
             or (p.state in ('applied', 'staged') and (p.plan ->> 'unreadable') is null)))
order by a.id
limit $2;

-- name: fence
-- Lets no session of a line's gateway go on that may know what its waiting write carries; locked before the line.
update gateway g set session_number = g.session_number + 1
from association a
join device d on d.id = a.device_id
where a.id = $1 and g.id = d.gateway_id
  and exists (select from write w where w.association_id = a.id and w.purpose = 'provision' and w.state = 'queued')
returning g.id;

-- name: await_associations
-- Until whoever is changing associations at this moment is done: what they do is seen by what follows.
lock table association in share mode;

-- name: is_over
-- Whether nothing in the field depends on a former key any more: every line has a verified URL of the current one.
select not exists (select from association a
                   where a.ended_at is null
                     and a.key_id in (select key_id from keyring_key where state in ('former', 'retired')))
   and not exists (select from association a where a.ended_at is null and a.counts_from is not null);

-- name: end
-- The rotation that was under way is over.
update key_rotation set finished_at = $1 where finished_at is null
returning id;
