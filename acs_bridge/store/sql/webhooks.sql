-- name: insert
-- A new webhook; none, when there are so many already.
insert into webhook (id, url, states, secret, created_at, created_by)
select $1, $2, $3, $4, $5, $6
where (select count(*) from webhook where deleted_at is null) < $7
returning id;

-- name: find
select h.*, count(d.id) filter (where d.state = 'pending') as pending, count(d.id) filter (where d.state = 'parked') as parked
from webhook h
left join webhook_delivery d on d.webhook_id = h.id and d.state <> 'delivered'
where h.id = $1 and h.deleted_at is null
group by h.id;

-- name: list
select h.*, count(d.id) filter (where d.state = 'pending') as pending, count(d.id) filter (where d.state = 'parked') as parked
from webhook h
left join webhook_delivery d on d.webhook_id = h.id and d.state <> 'delivered'
where h.deleted_at is null
group by h.id
order by h.id;

-- name: delete
-- Nothing more is told to this one; what waits is parked.
with gone as (
    update webhook set deleted_at = $2 where id = $1 and deleted_at is null returning id
),
parked as (
    update webhook_delivery d set state = 'parked', due_at = null, finished_at = $2, words = 'the webhook was deleted'
    from gone where d.webhook_id = gone.id and d.due_at is not null
)
select id from gone;

-- name: rotate
-- A new secret; the former one signs as well for a while.
update webhook set former_secret = secret, former_until = $3, secret = $2
where id = $1 and deleted_at is null
returning id;

-- name: deliveries
-- What was told to a webhook, newest first, from below a known one.
select d.id, d.write_id, d.move, e.to_state, d.state, d.created_at, d.begun_at, d.due_at, d.attempts, d.attempted_at,
       d.status, d.seconds, d.words, d.finished_at
from webhook_delivery d
left join write_event e on e.write_id = d.write_id and e.move = d.move
where d.webhook_id = $1 and ($2::bigint is null or d.id < $2) and ($3::text is null or d.state = $3)
order by d.id desc
limit $4;

-- name: replay
-- Tells one again, from the beginning.
update webhook_delivery
set state = 'pending', due_at = $3, begun_at = $3, attempts = 0, finished_at = null
where webhook_id = $1 and id = $2
returning id;

-- name: replay_range
-- Tells again what was created from one time to before another, oldest first, and at most so many.
with chosen as (
    select id from webhook_delivery
    where webhook_id = $1 and created_at >= $2 and created_at < $3 and ($4::text is null or state = $4)
      and state <> 'pending' and begun_at < $5
    order by id
    limit $6
    for update
)
update webhook_delivery d
set state = 'pending', due_at = $5, begun_at = $5, attempts = 0, finished_at = null
from chosen where d.id = chosen.id
returning d.id;

-- name: find_sealed
-- One webhook as it is posted to.
select id, url, secret, case when former_until > $2 then former_secret end as former_secret, failures
from webhook
where id = $1 and deleted_at is null;

-- name: ready
-- Webhooks that something waits for, and that may be tried now.
select h.id, h.url, h.secret, case when h.former_until > $1 then h.former_secret end as former_secret, h.failures
from webhook h
where h.deleted_at is null and (h.rest_until is null or h.rest_until <= $1)
  and exists (select from webhook_delivery d where d.webhook_id = h.id and d.due_at <= $1);

-- name: claim
-- The next deliveries of a webhook, ours until a time: whoever dies with them leaves them due again then.
with due as (
    select id from webhook_delivery
    where webhook_id = $1 and due_at <= $2
    order by due_at, id
    limit $4
    for update skip locked
),
taken as (
    update webhook_delivery d set due_at = $3, attempts = d.attempts + 1, attempted_at = $2
    from due where d.id = due.id
    returning d.id, d.write_id, d.move, d.attempts, d.begun_at
)
select t.id as delivery_id, t.attempts as attempt, t.begun_at, e.xact, e.seq, t.write_id, t.move, w.purpose,
       w.association_id, d.line_of_service, d.line_key, s.code as subscriber_code, w.batch_id, e.gateway_id, e.from_state,
       e.event, e.to_state, e.at, e.by, e.attempts, (e.fault ->> 'code')::int as fault_code
from taken t
left join write_event e on e.write_id = t.write_id and e.move = t.move
left join write w on w.id = e.write_id
left join device d on d.id = w.device_id
left join association a on a.id = w.association_id
left join subscriber s on s.id = a.subscriber_id
order by t.id;

-- name: delivered
-- One was taken. The webhook's own row is touched now and then only, and when it was failing.
with done as (
    update webhook_delivery
    set state = 'delivered', due_at = null, finished_at = $3, status = $4, seconds = $5, words = $6
    where id = $1 and attempts = $2 and state = 'pending'
    returning webhook_id
)
update webhook h set failures = 0, failing_since = null, rest_until = null, words = null, succeeded_at = $3
from done
where h.id = done.webhook_id and (h.failures > 0 or h.succeeded_at is null or h.succeeded_at < $3 - interval '10 s');

-- name: failed
-- One was not taken: it is due again at a time, or parked where there is none. The webhook rests when it keeps failing.
with done as (
    update webhook_delivery
    set state = case when $7::timestamptz is null then 'parked' else 'pending' end, due_at = $7,
        finished_at = case when $7::timestamptz is null then $3::timestamptz end, status = $4, seconds = $5, words = $6
    where id = $1 and attempts = $2 and state = 'pending'
    returning webhook_id
)
update webhook h
set failures = h.failures + 1, failing_since = coalesce(h.failing_since, $3), failed_at = $3, words = $6,
    rest_until = case when h.failures + 1 >= $8 then $9::timestamptz end
from done
where h.id = done.webhook_id
returning h.failures, h.failing_since;

-- name: park_hopeless
-- What waits for a webhook that has failed since before a time, or that is gone; at most so many.
with hopeless as (
    select d.id
    from webhook h
    join webhook_delivery d on d.webhook_id = h.id
    where d.due_at is not null
      and (h.deleted_at is not null or h.failing_since < $1 and d.begun_at < $1)
    limit $3
    for update of d skip locked
)
update webhook_delivery d
set state = 'parked', due_at = null, finished_at = $2, words = coalesce(d.words, 'the endpoint took nothing all day')
from hopeless where d.id = hopeless.id
returning d.id;

-- name: waiting
-- How much waits, and how many webhooks fail.
select (select count(*) from webhook_delivery where due_at is not null) as pending,
       (select count(*) from webhook where deleted_at is null and failures > 0) as failing;

-- name: clean
-- Takes away deliveries from before a time, oldest first, and at most so many.
with gone as (
    delete from webhook_delivery
    where id in (select id from (select id, created_at from webhook_delivery order by id limit $2) as oldest
                 where created_at < $1)
    returning id
)
select count(*) from gone;
