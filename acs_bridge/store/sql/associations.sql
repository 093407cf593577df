-- name: insert
-- Joins a subscriber and a line, and queues the write that brings the PHAN URL to its gateway.
with joined as (
    insert into association (id, subscriber_id, device_id, key_id, issued_at, created_at, created_by)
    values ($1, $2, $3, coalesce((select key_id from keyring_key where state = 'current'), $4), $5, $6, $7)
    returning id, device_id, generation, key_id
)
insert into write (id, purpose, association_id, device_id, gateway_id, batch_id, generation, key_id,
                   moved_at, moved_by, due_at, created_at)
select $8, 'provision', id, device_id, $9, $10, generation, key_id, $6, $7, $6, $6 from joined;

-- name: of_line
-- The association of a line that is not over.
select a.id, a.subscriber_id, s.code as subscriber_code, a.generation
from association a
join subscriber s on s.id = a.subscriber_id
where a.device_id = $1 and a.ended_at is null;

-- name: next_generation
-- Another PHAN URL for the same association: those before it count no more from now on.
update association set
    generation = generation + 1,
    counts_from = null,
    key_id = coalesce((select key_id from keyring_key where state = 'current'), $2),
    issued_at = $3
where id = $1 and ended_at is null
returning generation, key_id;

-- name: turn
-- Another PHAN URL under the current key for an association whose URL is of a former key; no row when it is not. Those
-- that may be in its gateway go on counting until the new one is verified.
update association a set
    generation = a.generation + 1,
    counts_from = case
        when exists (select from write w
                     where w.association_id = a.id and w.purpose = 'provision' and w.generation = a.generation
                       and w.state = 'verified') then a.generation
        when exists (select from write w
                     where w.association_id = a.id and w.purpose = 'provision' and w.step > 0 and w.state <> 'rejected'
                       and w.generation >= coalesce(a.counts_from, a.generation))
            then coalesce(a.counts_from, a.generation)
    end,
    key_id = k.key_id,
    issued_at = $2
from keyring_key k
where a.id = $1 and a.ended_at is null and k.state = 'current' and a.key_id <> k.key_id
returning a.generation, a.key_id;

-- name: forget_former
-- Former URLs of an association count no more: none is in its gateway.
update association set counts_from = null where id = $1;

-- name: settle_turned
-- Of lines whose new URL is verified by now the former ones count no more. At most $1 rows a call.
update association a set counts_from = null
where a.id in (
    select t.id
    from association t
    where t.counts_from is not null and t.ended_at is null
      and exists (select from write w
                  where w.association_id = t.id and w.purpose = 'provision' and w.generation = t.generation
                    and w.state = 'verified')
    limit $1
    for no key update skip locked)
returning a.id;

-- name: finish
-- The association is over.
update association set ended_at = greatest($2, created_at), ended_by = $3 where id = $1 and ended_at is null
returning device_id;

-- name: device_of
-- The line of an association, which is locked before it.
select d.line_key from association a join device d on d.id = a.device_id where a.id = $1;

-- part: shown
-- What is shown of an association, as of $2.
select a.id, s.code as subscriber_code, s.name as subscriber_name, d.line_of_service, a.generation, a.key_id,
       a.issued_at, a.created_at, a.created_by, a.ended_at, a.ended_by, w.id as write_id, w.state as write_state,
       report_state($2, r.silent_at, r.last_at), r.since as reporting_since, r.last_at as last_report_at
from association a
join device d on d.id = a.device_id
left join subscriber s on s.id = a.subscriber_id
left join lateral (
    select w.id, w.state
    from write w
    where w.association_id = a.id
    order by (w.purpose = 'provision') = (a.ended_at is null) desc, w.generation desc, w.id desc
    limit 1
) w on true
left join line_reporting r on r.association_id = a.id;

-- name: find
-- One association; the write shown is the newest of those that matter now: provisioning while it is active, clearing
-- when it is over. The generation tells which is newer: an id only says when somebody began to ask for it.
-- begins with: shown
where a.id = $1;

-- name: page
-- Newest first, from below a known id; of these ($10), with a text ($4, $5: as keys are compared, and as it was typed).
-- begins with: shown
where ($1::uuid is null or a.id < $1)
  and ($10::uuid[] is null or a.id = any($10))
  and ($3::bool is null or $3 = (a.ended_at is null))
  and ($4::text is null or d.line_key like $4 or s.code_key like $4 or s.name ilike $5)
  and ($6::text is null or s.code_key = $6)
  and ($7::text is null or a.device_id = any(array(
          select id from device where line_key = $7 and deleted_at is null
          union all select id from device where line_key = $7 and deleted_at is not null)))
  and ($9::text is null or $9 = report_state($2, r.silent_at, r.last_at))
order by a.id desc
limit $8;

-- name: newest
-- So many of those that come next in a list.
select array(select id from association where ($1::uuid is null or id < $1) order by id desc limit $2);

-- name: with_text
-- A page of those whose line or subscriber has a text, which are found first, by what the indexes of trigrams know of it
-- ($6; null: nothing): a join of all of them would have to be read otherwise.
with listed as not materialized (
    select a.id, a.subscriber_id, a.device_id
    from association a
    left join line_reporting r on r.association_id = a.id
    where ($1::uuid is null or a.id < $1)
      and ($3::bool is null or $3 = (a.ended_at is null))
      and ($8::text is null or $8 = report_state($2, r.silent_at, r.last_at))
)
select l.id
from subscriber s join listed l on l.subscriber_id = s.id
where (s.code_key like $4 or s.name ilike $5)
  and ($6::text is null
       or translate(s.code_key, '-:._/,''’ ', '') || ' ' || translate(lower(s.name), 'ς-:._/,''’', 'σ') like $6)
union
select l.id
from device d join listed l on l.device_id = d.id
where d.deleted_at is null and d.line_key like $4
  and ($6::text is null or translate(d.line_key, '-:._/,''’ ', '') like $6)
union
select l.id
from device d join listed l on l.device_id = d.id
where d.deleted_at is not null and d.line_key like $4
order by 1 desc
limit $7;

-- name: these
-- Associations by their ids, newest first.
-- begins with: shown
where a.id = any($1::uuid[])
order by a.id desc;

-- name: of_lines
-- The associations of these lines that are not over.
select a.id, s.code as subscriber_code, s.name as subscriber_name, d.line_of_service, a.generation, a.key_id,
       a.issued_at, a.created_at, a.created_by, a.ended_at, a.ended_by, w.id as write_id, w.state as write_state,
       report_state($2, r.silent_at, r.last_at), r.since as reporting_since, r.last_at as last_report_at
from device d
join association a on a.device_id = d.id and a.ended_at is null
join subscriber s on s.id = a.subscriber_id
left join lateral (
    select w.id, w.state
    from write w
    where w.association_id = a.id and w.purpose = 'provision'
    order by w.generation desc, w.id desc
    limit 1
) w on true
left join line_reporting r on r.association_id = a.id
where d.line_key = any($1::text[]) and d.deleted_at is null;

-- name: timeline
-- Everything that happened to an association, oldest first: its own moments, every move of its writes, every deed, and
-- every ring of a gateway while a write for it was open.
select at, source, n, event, by, write_id, from_state, to_state, gateway_id, fault, cause, ring_result, ring_http_status
from (
    select created_at as at, 1 as source, 0::bigint as n, 'association_created' as event, created_by as by,
           null::uuid as write_id, null::text as from_state, null::text as to_state, null::bigint as gateway_id,
           null::jsonb as fault, null::text as cause, null::text as ring_result,
           null::smallint as ring_http_status
    from association where id = $1
    union all
    select e.at, 2, e.seq, 'write_' || e.event, e.by, e.write_id, e.from_state, e.to_state, e.gateway_id, e.fault,
           case when e.event = 'created' then w.cause end, null, null
    from write w join write_event e on e.write_id = w.id where w.association_id = $1
    union all
    select u.at, 3, u.id, u.action, u.actor, u.write_id, null, null, u.gateway_id, null, null, null, null
    from audit u
    where u.association_id = $1 and u.action not in ('association_created', 'write_retried', 'write_cancelled')
    union all
    select distinct r.at, 4, r.id, 'gateway_rung', r.by, null::uuid, null, null, r.gateway_id, null::jsonb, null, r.result,
           r.http_status
    from write w
    join ring_event r on r.gateway_id = w.gateway_id and r.at >= w.created_at and r.at <= coalesce(w.finished_at, r.at)
    where w.association_id = $1
) as moment
where $2::timestamptz is null or (at, source, n) > ($2, $3::int, $4::bigint)
order by at, source, n
limit $5;

-- name: seal
-- What a PHAN URL of this association is sealed from.
select a.id, d.line_of_service, a.generation, a.key_id, a.issued_at, a.subscriber_id, a.device_id, a.ended_at
from association a
join device d on d.id = a.device_id
where a.id = $1;

-- name: lines_of
-- The lines of these associations that are not over, and the gateways that they have.
select a.id, d.line_of_service, d.gateway_id
from association a join device d on d.id = a.device_id
where a.id = any($1) and a.ended_at is null;

-- name: standing
-- Which of these associations are not over, with the generations of their URL that count (the newest, and after a rotation
-- of keys those before it until it is verified) and the gateway that their line has, or waits for.
select a.id, a.generation,
       case when a.counts_from is null then a.generation
            when exists (select from write w
                         where w.association_id = a.id and w.purpose = 'provision' and w.generation = a.generation
                           and w.state = 'verified') then a.generation
            else a.counts_from end as counts_from,
       coalesce(g.oui, d.wanted_oui) as oui, coalesce(g.serial_number, d.wanted_serial) as serial_number
from association a
join device d on d.id = a.device_id
left join gateway g on g.id = d.gateway_id
where a.id = any($1::uuid[]) and a.ended_at is null;
