-- Reports of gateways: what their line is, and that there was one.

-- name: take
-- Reports that arrived together, at most one of each association: whether the URL of each counts, whether its gateway
-- is the line's, whether that had to log in ($3: the profiles with a login), and whether its hour is full ($4, $5).
-- Those that are taken are noted, and put into the spool ($6: their bodies) if that has room ($7: bytes; null: there is
-- none). An association that nobody has costs the same as one whose URL counts no more.
-- As with Informs, rows travel as JSON texts: an array of unknown length is taken for ten rows, which go by index.
with report as (
    select row.place, row.body, i.*
    from unnest($1::text[], $6::bytea[]) with ordinality as row (content, body, place)
    cross join lateral json_to_record(row.content::json) as i (
        id uuid, association_id uuid, generation int, oui text, serial_number text, shown text[], mark bigint,
        content_type text, report_format text, unread text, size bigint)
),
spooled as (
    select coalesce(sum(bytes), 0) as bytes from report_spool_size where $7::bigint is not null
),
standing as (
    select r.*,
           a.id is not null as is_active,
           coalesce(g.serial_number, d.wanted_serial) is not null
               and (r.serial_number is null or r.serial_number = coalesce(g.serial_number, d.wanted_serial))
               and (r.oui is null or upper(r.oui) = upper(coalesce(g.oui, d.wanted_oui))) as is_its_own,
           coalesce(w.profile = any($3::text[]) and w.profile <> all(r.shown), false) as is_stranger,
           case when $2 - n.window_at < interval '1 hour' then n.window_reports else 0 end as reports,
           case when $2 - n.window_at < interval '1 hour' then n.window_bytes else 0 end as bytes,
           coalesce(r.mark = any(n.recent), false) as is_repeat,
           d.line_of_service, d.gateway_id, g.oui as gateway_oui, g.product_class, g.serial_number as gateway_serial
    from report r
    left join association a on a.id = r.association_id and a.ended_at is null
        and (a.generation = r.generation
             or (r.generation between a.counts_from and a.generation
                 and not exists (select from write v
                                 where v.association_id = a.id and v.purpose = 'provision'
                                   and v.generation = a.generation and v.state = 'verified')))
    left join device d on d.id = a.device_id
    left join gateway g on g.id = d.gateway_id
    left join reporting n on n.association_id = a.id
    left join lateral (
        select profile
        from write
        where association_id = a.id and purpose = 'provision' and state in ('applied', 'verified')
          and cardinality($3::text[]) > 0
        order by id desc
        limit 1
    ) w on true
),
judged as (
    select s.*,
           case when not is_active then 'unknown'
                when not is_its_own then 'foreign'
                when is_stranger then 'stranger'
                when s.reports >= $4 or s.bytes + s.size > $5 then 'quota'
                when is_repeat then 'repeat'
                when p.bytes + length(s.body) > $7 then 'full'
                else 'taken' end as verdict
    from standing s
    cross join spooled p
),
noted as (
    insert into reporting as n (association_id, gateway_id, first_at, since, last_at, window_at, window_reports,
                                window_bytes, recent, unread, unread_at, unread_words)
    select association_id, gateway_id, seen.at, seen.at, seen.at, $2, 1, size,
           case when mark is null then '{}' else array[mark] end,
           (unread is not null)::int, case when unread is not null then $2 end, unread
    from judged
    cross join lateral (select case when unread is null then $2::timestamptz end as at) seen
    where verdict in ('taken', 'repeat')
    order by association_id
    on conflict (association_id) do update set
        gateway_id = excluded.gateway_id,
        first_at = coalesce(n.first_at, excluded.first_at),
        since = coalesce(case when n.gateway_id is not distinct from excluded.gateway_id then n.since end, excluded.since),
        last_at = coalesce(excluded.last_at, case when n.gateway_id is not distinct from excluded.gateway_id then n.last_at end),
        window_at = case when $2 - n.window_at < interval '1 hour' then n.window_at else $2 end,
        window_reports = case when $2 - n.window_at < interval '1 hour' then n.window_reports else 0 end + 1,
        window_bytes = case when $2 - n.window_at < interval '1 hour' then n.window_bytes else 0 end
                       + excluded.window_bytes,
        recent = case when excluded.recent <@ n.recent then n.recent else (excluded.recent || n.recent)[1:8] end,
        unread = n.unread + excluded.unread,
        unread_at = coalesce(excluded.unread_at, n.unread_at),
        unread_words = coalesce(excluded.unread_words, n.unread_words)
    returning n.association_id
),
-- Locks are taken in one order everywhere: what is noted, then what is added up.
stored as (
    insert into report_spool (id, association_id, line_of_service, generation, gateway_id, oui, product_class,
                              serial_number, received_at, content_type, report_format, unread, body, size)
    select j.id, j.association_id, j.line_of_service, j.generation, j.gateway_id, j.gateway_oui, j.product_class,
           j.gateway_serial, $2, j.content_type, j.report_format, j.unread, j.body, length(j.body)
    from judged j
    join noted using (association_id)
    where j.verdict = 'taken' and $7 is not null
    order by j.place
    returning size
),
counted as (
    update report_spool_size s set bytes = s.bytes + added.bytes, reports = s.reports + added.reports
    from (select sum(size) as bytes, count(*) as reports from stored) as added
    where s.shard = pg_backend_pid() % 64 and added.reports > 0
)
select place, verdict from judged;

-- name: expect
-- How often gateways report, from now on: all of it ($1: profiles, $2: seconds of each), or nothing.
with gone as (
    delete from report_interval where profile <> all($1::text[])
)
insert into report_interval (profile, seconds)
select profile, seconds from unnest($1::text[], $2::int[]) as given (profile, seconds)
on conflict (profile) do update set seconds = excluded.seconds where report_interval.seconds <> excluded.seconds;

-- name: quiet
-- Lines that are silent, or wait for their first report ($3), newest first: from below a known association ($1), or where
-- $4 is true from below a known line ($5). Those of which nothing has come of late are found together and first: few of
-- many are, and who goes through the others one after the other until a page is full is at it for minutes.
with quiet as materialized (
    select a.id, a.device_id, n.last_at
    from association a
    left join reporting n on n.association_id = a.id
    where a.ended_at is null
      and ($1::uuid is null or a.id < $1)
      and ($5::bigint is null or a.device_id < $5)
      and (n.last_at is null
           or n.last_at < $2::timestamptz - 3 * make_interval(secs => (select min(seconds) from report_interval)))
)
select q.id as association_id, q.device_id
from quiet q
join report_interval usual on usual.profile = ''
left join lateral (
    select finished_at, profile
    from write
    where association_id = q.id and purpose = 'provision' and state = 'verified'
    order by id desc
    limit 1
) w on true
left join report_interval i on i.profile = w.profile
where $3 = report_state($2, greatest(q.last_at, w.finished_at)
                            + 3 * make_interval(secs => coalesce(i.seconds, usual.seconds)), q.last_at)
order by case when $4 then q.device_id end desc, q.id desc
limit $6;

-- name: count
-- How the lines stand that somebody is associated with, as `line_reporting` says it of each; lines that have reported
-- of late are not looked at any closer.
select report_state($1::timestamptz, l.silent_at, l.last_at) as state, count(*) as lines
from (
    select n.last_at,
           greatest(n.last_at, w.finished_at) + 3 * make_interval(secs => coalesce(i.seconds, usual.seconds)) as silent_at
    from association a
    join report_interval usual on usual.profile = ''
    left join reporting n on n.association_id = a.id
    left join lateral (
        select finished_at, profile
        from write
        where association_id = a.id and purpose = 'provision' and state = 'verified'
          and (n.last_at is null
               or n.last_at < $1::timestamptz - 3 * make_interval(secs => (select min(seconds) from report_interval)))
        order by id desc
        limit 1
    ) w on true
    left join report_interval i on i.profile = w.profile
    where a.ended_at is null
) l
group by 1;
