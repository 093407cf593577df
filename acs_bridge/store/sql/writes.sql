-- name: insert
-- Queues a write. One that clears knows which instance of a table we have added to its gateway, if any: it goes away
-- again. A gateway that was reset since has forgotten it.
insert into write (id, purpose, association_id, device_id, gateway_id, batch_id, generation, key_id,
                   moved_at, moved_by, due_at, created_at, cause, plan)
select $1, $2, a.id, a.device_id, $4, $5, a.generation, a.key_id, $6, $7, $6, $6, $8,
       coalesce((
           select jsonb_build_object('memory', jsonb_build_object('instance', w.plan->'memory'->'instance', 'added', true))
           from write w
           where $2 = 'clear' and w.gateway_id = $4 and w.plan->'memory'->>'added' = 'true'
             and not exists (select from write later where later.gateway_id = $4 and later.id > w.id
                             and (later.plan->'memory'->>'gone' = 'true' or later.cause = 'bootstrap'))
           order by w.id desc limit 1), '{}') || $9::jsonb
from association a where a.id = $3;

-- name: undoable
-- What decides whether a write can be undone.
select w.id, w.purpose, w.state, w.association_id, w.device_id, d.line_key, w.gateway_id, w.plan->'memory' as memory,
       exists (
           select from write later
           where later.gateway_id = w.gateway_id and later.id > w.id and later.purpose in ('provision', 'clear')
             and (later.step > 0 or later.finished_at is null)
       ) as overtaken
from write w
left join device d on d.id = w.device_id
where w.id = $1;

-- name: standing
-- The provisioning that counts now of an association, and whether a gateway ($2) that shows the ParameterKey of some
-- write ($3) holds what it brought: nothing else of ours has been written into it since but credentials. One that an
-- operator has undone is not missed either.
select p.id, p.state, p.gateway_id,
       exists (
           select from write k
           where k.id = $3 and k.gateway_id = $2
             and (k.id = p.id or (k.purpose = 'credentials' and k.moved_at >= p.moved_at))
       ) or exists (
           select from write u where u.gateway_id = $2 and u.id > p.id and u.cause = 'undone' and u.state <> 'cancelled'
       ) as held
from write p
where p.association_id = $1 and p.purpose = 'provision'
order by p.finished_at is null desc, p.generation desc, p.id desc
limit 1;

-- name: turnable
-- The provisioning that counts now of an association whose URL is to be sealed with another key: whether it is under way,
-- whether it can simply carry another URL, whether its gateway is believed to hold what it brought, and whether somebody
-- has taken it back.
select p.id, p.state = 'queued' as queued,
       p.state in ('sent', 'in_doubt') or p.request_id is not null
           or (p.state in ('applied', 'staged') and (p.plan ->> 'unreadable') is null) as under_way,
       p.state in ('queued', 'rejected', 'failed') as may_carry,
       p.state in ('applied', 'staged', 'verified') as in_force,
       exists (
           select from write u
           where u.gateway_id = p.gateway_id and u.id > p.id and u.cause = 'undone' and u.state <> 'cancelled'
       ) as undone
from write p
where p.association_id = $1 and p.purpose = 'provision'
order by p.finished_at is null desc, p.generation desc, p.id desc
limit 1;

-- name: carry_on
-- Lets a write carry the URL that its association has now. No session may know what it carried before.
update write w set generation = a.generation, key_id = a.key_id
from association a
where w.id = $1 and a.id = w.association_id;

-- name: hold
-- Locks the writes of an association and of gateways that still count, after their lines: no session moves them while
-- their line is rearranged.
select id from write
where id in (
    select id from write where association_id = $1 and purpose = 'provision'
    union all select id from write where gateway_id = any($2::bigint[]) and purpose in ('provision', 'clear')
) and state in (select from_state from write_transition where event = 'superseded')
order by id
for no key update;

-- name: retarget
-- Sends the waiting write of an association to another gateway (or to none), provided that its URL has gone nowhere
-- yet; no row when it has, or when a session was quicker.
update write w set gateway_id = $2, due_at = $3
where w.association_id = $1 and w.purpose = 'provision' and w.state = 'queued' and w.step = 0
  and not exists (select from write o where o.association_id = w.association_id and o.purpose = 'provision'
                  and o.generation = w.generation and o.step > 0)
returning w.id;

-- name: supersede
-- Takes away what a newer write replaces: every provisioning of this association, and whatever still is meant for this
-- gateway. What is outstanding in a session finds no row any more.
update write w set state = 'superseded', event = 'superseded', moves = moves + 1, moved_at = $3, moved_by = $4,
                   finished_at = $3, request_id = null, lease_until = null
where w.state in (select from_state from write_transition where event = 'superseded')
  and w.id in (
      select id from write where association_id = $1 and purpose = 'provision'
      union all select id from write where gateway_id = $2 and purpose in ('provision', 'clear')
  )
returning w.id;

-- name: give_up
-- Cancels the provisioning of an association that has ended before its URL went anywhere.
update write w set state = 'cancelled', event = 'cancelled', moves = moves + 1, moved_at = $2, moved_by = $3,
                   finished_at = $2, request_id = null, lease_until = null
where w.state in (select from_state from write_transition where event = 'cancelled') and w.association_id = $1 and w.purpose = 'provision'
returning w.id;

-- name: to_be_cleared
-- The association whose URL a gateway that leaves its line may still hold, from this line or from one before it:
-- something was sent to it, no clearing has been proven since, and none is under way.
select p.association_id
from write p
where p.gateway_id = $1 and p.purpose = 'provision' and p.step > 0
  and not exists (
      select from write later
      where later.gateway_id = $1 and later.id > p.id and later.purpose = 'clear'
        and (later.state = 'verified' or later.finished_at is null))
order by p.id desc
limit 1;

-- part: shown
-- What is shown of a write, with what explains it.
select w.id, w.purpose, w.association_id, d.line_of_service, s.code as subscriber_code, w.gateway_id, g.oui,
       g.product_class, g.serial_number, w.batch_id, w.generation, w.key_id, w.state, w.event, w.moves, w.attempts,
       w.step, w.created_at, w.moved_at, w.moved_by, w.due_at, w.finished_at, w.lease_until, w.fault, w.proof,
       w.profile, w.plan, w.cause, g.written_from, g.written_count, d.wanted_serial, n.until as awaited_until,
       g.approved_at, g.pair as gateway_pair, g.last_inform_at, g.periodic_at, g.periodic_seconds,
       r.rung_at, r.result as ring_result, r.http_status as ring_http_status, r.rings,
       coalesce(g.exposed, false) as exposed, g.cloned_at is not null as cloned, g.root, g.software_version,
       exists (
           select from brake b
           where (b.batch_id is null or b.batch_id = w.batch_id)
             and (b.profile is null or b.profile = g.profile)
             and (b.software_version is null or b.software_version = g.software_version)
       ) as braked
from write w
left join device d on d.id = w.device_id
left join awaited_gateway n on n.device_id = w.device_id
left join association a on a.id = w.association_id
left join subscriber s on s.id = a.subscriber_id
left join gateway g on g.id = w.gateway_id
left join ring r on r.gateway_id = w.gateway_id;

-- name: find
-- One write with what explains it.
-- begins with: shown
where w.id = $1;

-- name: page
-- Newest first, from below a known id; of these ($11).
-- begins with: shown
where ($1::uuid is null or w.id < $1)
  and ($11::uuid[] is null or w.id = any($11))
  and ($2::text[] is null or w.state = any($2))
  and ($3::text is null or w.association_id = any(array(
          select id from association where device_id = any(array(
              select id from device where line_key = $3 and deleted_at is null
              union all select id from device where line_key = $3 and deleted_at is not null)))))
  and ($4::text is null or w.association_id = any(array(
          select a.id from subscriber s join association a on a.subscriber_id = s.id where s.code_key = $4)))
  and ($5::uuid is null or w.batch_id = $5)
  and ($6::bigint is null or w.gateway_id = $6)
  and ($7::text is null or w.gateway_id = any(array(select id from gateway where serial_number = $7)))
  and ($8::text is null or w.profile = $8)
  and ($9::text is null
       or w.fault is not null and coalesce(w.fault ->> 'code', w.fault ->> 'text', '') = $9)
order by w.id desc
limit $10;

-- name: newest
-- So many of those that come next in a list.
select array(select id from write where ($1::uuid is null or id < $1) order by id desc limit $2);

-- name: with_fault
-- A page of those with a fault ($2), which no write has that is verified: those that are not are few, and have an index.
-- The planner does not see the limit, for which it would rather look through all writes.
with faulty as materialized (
    select id from write
    where state <> 'verified' and fault is not null and coalesce(fault ->> 'code', fault ->> 'text', '') = $2
      and ($1::uuid is null or id < $1)
)
select array(select id from faulty order by id desc limit $3);

-- name: context
-- What an operator's move on a write has to respect: its line, locked before it, and whether it is the newest word.
select w.device_id, w.gateway_id, d.line_key, w.association_id, a.subscriber_id, w.purpose, w.state,
       a.ended_at is not null as association_ended,
       case when w.purpose = 'credentials' then w.pair = g.pair and (w.pair <> 'own' or w.generation = g.own_to)
            else w.generation = a.generation end as current
from write w
left join gateway g on g.id = w.gateway_id
left join device d on d.id = w.device_id
left join association a on a.id = w.association_id
where w.id = $1;

-- name: outlook
-- What a gateway would be sent: the write of a line that stands open for it, else what its association wants in it.
with standing as (
    select id as write_id, purpose, state, association_id, generation, key_id, plan
    from write
    where gateway_id = $1 and finished_at is null and purpose in ('provision', 'clear')
),
wanted as (
    select * from standing
    union all
    select null, 'provision', null, a.id, a.generation, a.key_id, '{}'::jsonb
    from device d
    join association a on a.device_id = d.id and a.ended_at is null
    where d.gateway_id = $1 and not exists (select from standing)
)
select w.write_id, w.purpose, w.state, w.association_id, w.generation, w.key_id, w.plan, a.issued_at,
       d.line_of_service, coalesce(s.code, '') as subscriber_code
from wanted w
join association a on a.id = w.association_id
join device d on d.id = a.device_id
left join subscriber s on s.id = a.subscriber_id;

-- name: retry
-- Puts a write that came to its end back into the queue, with its attempts before it.
update write w set state = 'queued', event = 'retried', moves = moves + 1, moved_at = $2, moved_by = $3,
                   finished_at = null, attempts = 0, due_at = $2
where w.state in (select from_state from write_transition where event = 'retried') and w.id = $1
returning w.id;

-- name: cancel
-- Takes a write out of the queue.
update write w set state = 'cancelled', event = 'cancelled', moves = moves + 1, moved_at = $2, moved_by = $3,
                   finished_at = $2, request_id = null, lease_until = null
where w.state in (select from_state from write_transition where event = 'cancelled') and w.id = $1
returning w.id;
