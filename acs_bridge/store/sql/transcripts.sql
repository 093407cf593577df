-- Transcripts of sessions. Only `keep` is asked by sessions, and only by those that are recorded.

-- name: claim
-- One at a time may begin a transcript.
select pg_advisory_xact_lock(3, 0);

-- name: running
-- The gateway whose next sessions are being recorded, if it is another one than this.
select g.id, g.oui, g.product_class, g.serial_number, t.until
from transcript t
join gateway g on g.id = t.gateway_id
where t.until > $1 and g.recorded_sessions > 0 and g.id <> $2
limit 1;

-- name: start
-- Begins a transcript, in place of a former one of this gateway; no row when there is no such gateway.
with marked as (
    update gateway set recorded_sessions = $2, recorded_until = $5 where id = $1 returning id
)
insert into transcript (gateway_id, sessions, started_at, started_by, until)
select id, $2, $3, $4, $5 from marked
returning gateway_id;

-- name: delete
-- Ends a transcript and takes it away.
with unmarked as (
    update gateway set recorded_sessions = null, recorded_until = null where id = $1
)
delete from transcript where gateway_id = $1 returning gateway_id;

-- name: find
-- A transcript, without what was said.
select t.gateway_id, t.sessions, g.recorded_sessions as sessions_left, t.started_at, t.started_by, t.until, t.size,
       t.is_full
from transcript t
join gateway g on g.id = t.gateway_id
where t.gateway_id = $1;

-- name: entries
-- What was said, in its order.
select entry from transcript_entry where gateway_id = $1 order by n;

-- name: keep
-- Adds what was said to a transcript that has room for it; $4 bytes at most. One that had none gets nothing more.
with room as (
    update transcript set
        is_full = is_full or size + $3 > $4,
        size = case when is_full or size + $3 > $4 then size else size + $3 end
    where gateway_id = $1
    returning is_full
)
insert into transcript_entry (gateway_id, entry)
select $1, said.entry
from room
cross join unnest($2::jsonb[]) with ordinality as said (entry, n)
where not room.is_full
order by said.n;

-- name: clean
-- Takes transcripts away whose recording has been over since before a time; at most $2 a call.
delete from transcript
where gateway_id in (select gateway_id from transcript where until < $1 order by until limit $2)
returning gateway_id;
