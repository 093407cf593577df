-- name: safe
-- Where the stream stands now: everything before this transaction is over, and nothing can commit there any more.
select pg_snapshot_xmin(pg_current_snapshot());

-- name: since
-- The next events after a position, as far as nothing can come in between any more.
select e.xact, e.seq, e.write_id, e.move, w.purpose, w.association_id, d.line_of_service, d.line_key,
       s.code as subscriber_code, w.batch_id, e.gateway_id, e.from_state, e.event, e.to_state, e.at, e.by, e.attempts,
       (e.fault ->> 'code')::int as fault_code
from (
    select * from write_event
    where (xact, seq) > ($1::xid8, $2::bigint) and xact < pg_snapshot_xmin(pg_current_snapshot())
    order by xact, seq
    limit $3
) as e
join write w on w.id = e.write_id
left join device d on d.id = w.device_id
left join association a on a.id = w.association_id
left join subscriber s on s.id = a.subscriber_id
order by e.xact, e.seq;

-- name: surroundings
-- What pages show beside writes: brakes, the limit, and which gateway is the newest. It differs when one of them does.
select concat_ws(' ', (select count(*) from brake), (select max(id) from brake),
                 coalesce((select writes_per_minute from queue_rate), -1), (select max(id) from gateway));

-- name: can_resume
-- Whether nothing after this position was cleaned away, and the position is one of this database's past.
select (xact, seq) <= ($1::xid8, $2::bigint) and $1::xid8 <= pg_snapshot_xmax(pg_current_snapshot())
from write_event_horizon;

-- name: clean
-- Takes away events from before a time, oldest first, and at most so many.
with old as (
    select write_id, move
    from (select * from write_event order by xact, seq limit $2) as oldest
    where at < $1
),
gone as (
    delete from write_event e using old where e.write_id = old.write_id and e.move = old.move
    returning e.xact, e.seq
),
raised as (
    update write_event_horizon h set xact = last.xact, seq = last.seq
    from (select xact, seq from gone order by xact desc, seq desc limit 1) as last
    where (h.xact, h.seq) < (last.xact, last.seq)
)
select count(*) from gone;

-- name: beat
-- Tells every process that listens that writes have moved.
select pg_notify($1, '');
