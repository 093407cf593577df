-- Connection requests. A ring is claimed by one ringer, whichever host it runs on; one that is killed leaves a row that
-- is due again soon. Rows are only ever locked without waiting, so that a ringer and a session cannot deadlock.

-- name: claim
-- Takes the rings that may be made now: the newest wishes first, because somebody waits for those, and a backlog comes
-- by Inform anyway. What is due but must not be rung is put off, or dropped until somebody wishes again. Nothing is
-- claimed while the whole queue is paused, and no more than the rates of rings and of writes allow, in all processes.
-- Nor is a gateway rung whose Inform came from where nothing is sent in the clear: its session would get it nothing.
-- How many are looked at is a constant: of a parameter the planner expects a tenth of the table, and reads all of it.
-- $1 now, $2 how many at most, $3 rings and $4 writes a minute, $5 whether gateways need an approval, $6 the seconds
-- between two rings of one gateway, $7 the seconds after which a ring whose ringer was killed is due again, $8 the
-- writes that a gateway may get in a day.
with bucket as (
    select least(greatest(1, ceiling.per_second),
                 r.available + ceiling.per_second * greatest(0, extract(epoch from $1 - r.refilled_at))) as available
    from ring_rate r
    cross join (
        select least($3::int, coalesce(q.writes_per_minute, $4::int)) / 60.0 as per_second from queue_rate q
    ) as ceiling
    where (select min(due_at) from ring) <= $1
      and not exists (select from brake where batch_id is null and profile is null and software_version is null)
    for update of r
),
due as (
    select r.*
    from ring r
    where r.due_at <= $1 and exists (select from bucket)
    order by r.due_at desc
    limit 200
    for update of r skip locked
),
judged as (
    select due.gateway_id, coalesce(due.encore_at <= $1, false) as encore, waits.at, waits.brake_id, g.connection_request_url as url, g.address,
           case
               when waits.at is null or g.connection_request_url = '' then 'idle'
               when g.exposed or ($5 and g.approved_at is null and g.pair = 'bootstrap') then 'idle'
               when waits.brake_id is not null then 'held'
               when waits.at > $1 then 'early'
               when due.result is null and due.rung_at > $1 - make_interval(secs => $7) then 'under way'
               when due.rung_at > $1 - make_interval(secs => $6) and coalesce(due.encore_at > $1, true) then 'soon'
               else 'ring'
           end as verdict,
           due.due_at
    from due
    join gateway g on g.id = due.gateway_id
    left join lateral (
        select case w.state when 'queued' then greatest(w.due_at, spent.until) else $1 end as at, held.brake_id
        from write w
        cross join (
            select case when g.written_count >= $8::int and g.written_from > $1 - interval '1 day'
                        then g.written_from + interval '1 day' end as until
        ) as spent
        cross join lateral (
            select min(b.id) as brake_id from brake b
            where (b.batch_id is null or b.batch_id = w.batch_id)
              and (b.profile is null or b.profile = g.profile)
              and (b.software_version is null or b.software_version = g.software_version)
        ) as held
        where w.gateway_id = due.gateway_id and w.finished_at is null and w.state in ('queued', 'in_doubt')
        order by held.brake_id is not null, 1
        limit 1
    ) as waits on true
),
chosen as (
    select judged.*, row_number() over (partition by verdict order by due_at desc) as turn from judged
),
settled as (
    update ring r set
        due_at = case c.verdict
            when 'ring' then $1 + make_interval(secs => $7)
            when 'early' then c.at
            when 'soon' then least(r.rung_at + make_interval(secs => $6), r.encore_at)
            when 'under way' then r.rung_at + make_interval(secs => $7)
        end,
        held_by = case c.verdict when 'held' then c.brake_id end,
        encore_at = case when c.verdict in ('soon', 'under way') or not c.encore then r.encore_at end,
        tries = r.tries + (c.verdict = 'ring')::int,
        rings = r.rings + (c.verdict = 'ring')::int,
        rung_at = case when c.verdict = 'ring' then $1 else r.rung_at end,
        result = case when c.verdict <> 'ring' then r.result end,
        http_status = case when c.verdict <> 'ring' then r.http_status end
    from chosen c
    where r.gateway_id = c.gateway_id
      and (c.verdict <> 'ring' or c.turn <= least($2, (select floor(available) from bucket)))
    returning r.gateway_id, r.wishes, r.tries, r.rings, c.verdict, c.encore, c.url, c.address
),
spent as (
    update ring_rate set
        available = bucket.available - (select count(*) from settled where verdict = 'ring'),
        refilled_at = $1
    from bucket
)
select gateway_id, wishes, tries, rings, encore, url, address from settled where verdict = 'ring';

-- name: claim_one
-- Takes one ring by hand, whatever it is wanted for; no row when the gateway was rung a moment ago.
insert into ring (gateway_id, rung_at, rings) values ($1, $2, 1)
on conflict (gateway_id) do update set
    rung_at = excluded.rung_at, rings = ring.rings + 1, result = null, http_status = null
where ring.rung_at is null or ring.rung_at <= $2 - make_interval(secs => $3)
returning gateway_id, wishes, tries, rings;

-- name: take_address
-- Takes an address for one ring; no row when it was rung a moment ago. One more ring of the same gateway, after its
-- session, need not wait.
insert into ring_address (address, gateway_id, rung_at) values ($1, $2, $3)
on conflict (address) do update set gateway_id = excluded.gateway_id, rung_at = excluded.rung_at
where ring_address.rung_at <= $3 - make_interval(secs => $4)
   or ($5 and ring_address.gateway_id = excluded.gateway_id)
returning address;

-- name: forget_addresses
-- Addresses that were rung so long ago that nothing depends on it.
delete from ring_address where rung_at < $1;

-- name: finish
-- What came of a ring, for the history too, and when it is due again ($6; null: when somebody wishes). A newer wish, or
-- the end of a session meanwhile, stays as it is. A ring that we held back ourselves has not been one.
with told as (
    insert into ring_event (gateway_id, at, result, http_status)
    select gateway_id, rung_at, $3, $4 from ring where gateway_id = $1 and rung_at is not null and $3 <> 'throttled'
)
update ring set
    result = $3,
    http_status = $4,
    tries = case when wishes = $2 then $5 else tries end,
    due_at = case when wishes = $2 then least($6, encore_at) else due_at end
where gateway_id = $1;

-- name: finish_by_hand
-- What came of a ring by hand, for the history too: nothing else changes.
with told as (
    insert into ring_event (gateway_id, at, result, http_status, by)
    select gateway_id, rung_at, $2, $3, $4 from ring where gateway_id = $1 and rung_at is not null and $2 <> 'throttled'
)
update ring set result = $2, http_status = $3 where gateway_id = $1;

-- name: wish
-- Somebody who is not a write wants these gateways rung, such as an Admin who approves one.
insert into ring (gateway_id, due_at, wishes, session_number)
select g.id, $2, 1, g.session_number
from gateway g
where g.id = $1 and g.first_inform_at is not null and g.connection_request_url <> ''
on conflict (gateway_id) do update set
    due_at = excluded.due_at, wishes = ring.wishes + 1, tries = 0, session_number = excluded.session_number,
    encore_at = null, held_by = null;

-- name: sessions_ended
-- Sessions that are over: where one was open when a ring was wished that is still wanted, it is rung once more.
with over as (
    select r.gateway_id, e.at
    from unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) as e (gateway_id, session_number, at)
    join ring r on r.gateway_id = e.gateway_id and r.session_number = e.session_number
    where r.due_at is not null
    for update of r skip locked
)
update ring r set
    due_at = least(r.due_at, over.at + make_interval(secs => $4)),
    encore_at = over.at + make_interval(secs => $4),
    session_number = null
from over
where r.gateway_id = over.gateway_id
returning r.gateway_id;

-- name: release
-- Wants those rung again whose brake was taken off, some of them at a time. The brakes that hold any are found by skipping
-- from one to the next: there are few of them, and there may be a million gateways behind each.
with recursive holding as (
    select min(held_by) as brake_id from ring where held_by is not null
    union all
    select (select min(held_by) from ring where held_by > holding.brake_id) from holding where holding.brake_id is not null
),
free as (
    select r.gateway_id
    from ring r
    where r.held_by = (
        select min(brake_id) from holding where not exists (select from brake where brake.id = holding.brake_id)
    )
    limit 200
    for update of r skip locked
)
update ring r set due_at = $1, held_by = null, tries = 0
from free
where r.gateway_id = free.gateway_id
returning r.gateway_id;

-- name: target
-- What a ring by hand has to know of a gateway.
select g.id as gateway_id, g.connection_request_url as url, g.address, g.first_inform_at,
       g.approved_at is null and g.pair = 'bootstrap' as unapproved
from gateway g
where g.id = $1;

-- name: clean
-- Takes away rings from before a time, oldest first, and at most so many.
delete from ring_event where id in (select id from ring_event order by id limit $2) and at < $1;
