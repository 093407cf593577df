-- What a CWMP session asks of the database. Every statement here is on the hot path: one for an Inform, one for each
-- later POST that changes something, none for one that does not.
--
-- Rows that share a statement travel as an array of a type of their own: the planner takes an array of unknown length
-- for ten rows, and goes by index; a set out of json_to_recordset it takes for a hundred, and reads whole tables.

-- name: take_informs
-- Informs that arrived together: each gateway's row is brought up to date and its session number raised (which fences
-- every older session), and the write that stands open for it comes back, with whether the brakes let it go, and the
-- budget of the day ($5) of its gateway; what its profile blocks (`parked`) counts as held back. Gateways
-- that are not known yet are registered. A row that is missing from the answer met a concurrent registration: ask again. One without a gateway
-- was kept out of the inbox, or showed a login that has served before (`replayed`).
-- A login that has served an Inform before changes nothing, whichever process it served it in.
with inform as (
    select i.*, ordinality as place from unnest($1::inform_row[]) with ordinality as i
),
-- Of several in one batch the first. In one order everywhere, as gateways are, and before any of these is locked.
shown as (
    select distinct on (login) login, place from inform where login is not null order by login, place
),
used as (
    insert into used_login (login, used_at) select login, $2 from shown order by login on conflict do nothing
    returning login
),
admitted as (
    select shown.place from shown join used using (login)
    union all
    select place from inform where login is null
),
-- Gateways are locked, and registered, in one order everywhere, so that workers cannot deadlock.
held as (
    select i.place, g.id,
           -- Whether it shows again what it had shown before it showed something else, and comes from elsewhere: its
           -- software goes back, or a ParameterKey that we wrote. One box seldom does that, two do nothing else.
           i.face = g.former_face and i.face <> g.face
           and (i.tagged or g.software_version <> i.software_version or g.hardware_version <> i.hardware_version)
           and (g.address <> i.address or g.connection_request_url <> i.connection_request_url) as turned
    from inform i
    join admitted using (place)
    join gateway g on g.serial_number = i.serial_number and g.oui = i.oui and g.product_class = i.product_class
    where case i.principal
              when 'bootstrap' then g.takes_bootstrap and (g.readmitted_until > $2) is not false
              when 'own' then g.id = any(i.gateway_ids) and i.pair_generation between g.own_from and g.own_to
              when 'imported' then g.takes_imported and g.id = any(i.gateway_ids)
              else true end
    order by g.serial_number collate "C", g.oui collate "C", g.product_class collate "C"
    for no key update of g
),
known as (
    update gateway g set
        session_number = g.session_number + 1,
        manufacturer = i.manufacturer,
        hardware_version = i.hardware_version,
        software_version = i.software_version,
        root = i.root,
        provisioning_code = coalesce(i.provisioning_code, ''),
        parameter_key = i.parameter_key,
        connection_request_url = i.connection_request_url,
        cwmp_namespace = i.cwmp_namespace,
        profile = i.profile,
        address = i.address,
        exposed = i.exposed,
        events = i.events,
        first_inform_at = coalesce(g.first_inform_at, $2),
        last_inform_at = $2,
        booted_at = case when i.booted then $2 else g.booted_at end,
        periodic_seconds = case when i.periodic then coalesce(extract(epoch from $2 - g.periodic_at), g.periodic_seconds)
                                else g.periodic_seconds end,
        periodic_at = case when i.periodic then $2 else g.periodic_at end,
        former_face = case when g.face <> i.face then g.face else g.former_face end,
        face = i.face,
        turns = case when held.turned is not true then g.turns
                     when g.turned_at > $2 - interval '7 days' then least(g.turns + 1, 100) else 1 end,
        turned_at = case when held.turned and (g.turned_at > $2 - interval '7 days') is not true then $2
                         else g.turned_at end,
        cloned_at = case when held.turned and g.turns >= 2 and g.turned_at > $2 - interval '7 days'
                         then coalesce(g.cloned_at, $2) else g.cloned_at end,
        -- A session that somebody records: one less to come. An Inform that is taken again is the same session.
        recorded_sessions = case when g.recorded_until > $2 and (g.recorded_sessions > 0 or i.again)
                                 then g.recorded_sessions - (not i.again)::int end,
        -- Who logs in with the pair that it is to have needs no other one any more.
        takes_bootstrap = case when i.principal = g.pair and (i.principal <> 'own' or i.pair_generation = g.own_to)
                            then i.principal = 'bootstrap'
                            else g.takes_bootstrap and not (i.principal = 'certificate' and g.own_to = 0) end,
        takes_imported = case when i.principal = g.pair and (i.principal <> 'own' or i.pair_generation = g.own_to)
                              then i.principal = 'imported' else g.takes_imported end,
        own_from = case when i.principal <> g.pair or i.principal = 'own' and i.pair_generation <> g.own_to then g.own_from
                        when i.principal = 'own' then g.own_to else g.own_to + 1 end,
        pair = case when i.principal = 'certificate' and g.pair = 'bootstrap' and g.own_to = 0 then 'certificate' else g.pair end
    from inform i
    join held using (place)
    where g.id = held.id
    returning i.place, g.id, g.session_number, g.booted_at, i.profile, i.software_version,
              (i.believed or g.approved_at is not null) and g.cloned_at is null as entitled,
              g.cloned_at is not null as cloned, i.exposed, i.parked,
              g.own_to = 0 and i.principal in ('bootstrap', 'imported') as unmanaged,
              g.recorded_sessions is not null as recorded,
              case when g.written_count >= $5::int and g.written_from > $2 - interval '1 day'
                   then g.written_from + interval '1 day' end as spent_until,
              -- Whether it shows that it may have lost what it was given, by the cause that this is.
              case when g.kept_version is null then null
                   when g.kept_version <> i.software_version and g.kept_version <> '' and i.software_version <> ''
                       then 'firmware'
                   when i.changed or g.kept_key <> i.parameter_key or g.kept_code <> i.provisioning_code then 'drift'
                   when g.checked_at < i.check_before then 'recheck' end as drift
),
-- Who comes by itself and is not entitled to anything gets no row where there are too many like it.
unknown as (
    select i.place from inform i
    join admitted using (place)
    where not i.believed and i.principal not in ('own', 'imported')
      and not exists (select from held where held.place = i.place)
      and not exists (
          select from gateway g
          where g.serial_number = i.serial_number and g.oui = i.oui and g.product_class = i.product_class)
),
kept_out as (
    select unknown.place
    from unknown
    join inform i using (place)
    cross join inbox_bound bound
    where (bound.is_full or bound.rows_per_address <= (
               select count(*) from (
                   select from inbox b where b.address = i.address limit bound.rows_per_address) as same))
      and not exists (select from device d where d.wanted_serial = i.serial_number and d.wanted_oui = i.oui)
),
fresh as (
    insert into gateway (
        serial_number, oui, product_class, manufacturer, hardware_version, software_version, root, provisioning_code,
        parameter_key, connection_request_url, cwmp_namespace, profile, address, exposed, events, created_at,
        session_number, first_inform_at, last_inform_at, booted_at, periodic_at, pair, takes_bootstrap)
    select i.serial_number, i.oui, i.product_class, i.manufacturer, i.hardware_version, i.software_version, i.root,
           coalesce(i.provisioning_code, ''), i.parameter_key, i.connection_request_url, i.cwmp_namespace, i.profile, i.address,
           i.exposed, i.events, $2, 1, $2, $2, case when i.booted then $2 end,
           case when i.periodic then $2 end,
           case when i.principal = 'certificate' then 'certificate' else 'bootstrap' end, i.principal <> 'certificate'
    from inform i
    join admitted using (place)
    where not exists (select from held where held.place = i.place) and i.principal not in ('own', 'imported')
      and not exists (select from kept_out where kept_out.place = i.place)
    order by i.serial_number collate "C", i.oui collate "C", i.product_class collate "C"
    on conflict do nothing
    returning id, session_number, booted_at, serial_number, oui, product_class
),
inboxed as (
    insert into inbox (gateway_id, address)
    select fresh.id, i.address
    from fresh
    join inform i using (serial_number, oui, product_class)
    join unknown using (place)
),
-- Of each kind there is one at most. Looked up for each Inform: joined, on tables that Postgres has not counted since they
-- were empty, all open writes would be read for each of them.
standing as (
    select known.place, known.profile as fits, known.software_version, known.exposed or known.parked as barred,
           known.spent_until, w.*
    from known
    cross join lateral (
        select * from write w
        where w.gateway_id = known.id and w.finished_at is null and w.purpose in ('provision', 'clear')
        limit 1
    ) as w
    where known.entitled
    union all
    select known.place, known.profile as fits, known.software_version, known.exposed as barred, known.spent_until, w.*
    from known
    cross join lateral (
        select * from write w
        where w.gateway_id = known.id and w.finished_at is null and w.purpose = 'credentials'
        limit 1
    ) as w
    where known.entitled and $4::bool
),
open_write as (
    select w.*, a.issued_at as association_issued_at, d.line_of_service, coalesce(s.code, '') as subscriber_code,
           w.barred or exists (
               select from brake b
               where (b.batch_id is null or b.batch_id = w.batch_id)
                 and (b.profile is null or b.profile = w.fits)
                 and (b.software_version is null or b.software_version = w.software_version)
           ) as braked
    from standing w
    left join association a on a.id = w.association_id
    left join device d on d.id = a.device_id
    left join subscriber s on s.id = a.subscriber_id
),
waiting as (
    select id, row_number() over (order by due_at, place) as turn
    from open_write
    where state = 'queued' and due_at <= $2 and not braked and spent_until is null
),
-- The rate is a bucket that holds one second's worth (at least one write). Only Informs with a write to hand out look
-- at it, and only where a rate is set.
bucket as (
    select least(greatest(1, ceiling.per_second),
                 r.available + ceiling.per_second * greatest(0, extract(epoch from $2 - r.refilled_at))) as available
    from queue_rate r
    cross join lateral (select coalesce(r.writes_per_minute, $3::int) / 60.0 as per_second) as ceiling
    where ceiling.per_second is not null and exists (select from waiting)
    for update of r
),
spent as (
    update queue_rate set
        available = bucket.available - least(floor(bucket.available), (select count(*) from waiting)),
        refilled_at = $2
    from bucket
)
select i.place, coalesce(known.id, fresh.id) as gateway_id, coalesce(known.session_number, fresh.session_number) as session_number,
       coalesce(known.entitled, i.believed) as entitled, known.booted_at,
       $4 and coalesce(known.entitled, i.believed) and coalesce(known.unmanaged, i.principal = 'bootstrap') as unmanaged,
       w.id, w.purpose, w.pair, w.state, w.moves, w.attempts, w.step, w.plan::text, w.parameter_key, w.request_id,
       w.session_number as write_session_number, w.moved_at, w.due_at, w.association_id, w.generation, w.key_id,
       w.association_issued_at, w.line_of_service, w.subscriber_code, w.braked, w.spent_until,
       known.recorded, known.drift, known.cloned,
       waiting.turn > (select floor(available) from bucket) as over_rate, admitted.place is null as replayed
from inform i
left join admitted using (place)
left join known using (place)
left join fresh using (serial_number, oui, product_class)
left join open_write w using (place)
left join kept_out using (place)
left join waiting on waiting.id = w.id
where known.id is not null or fresh.id is not null or admitted.place is null or kept_out.place is not null;

-- name: forget_logins
-- Logins whose nonce is over are refused for that.
delete from used_login where used_at < $1;

-- name: examine
-- Why an Inform was kept out: the gateway with its DeviceId, and whether it may log in like that by now.
select g.id, case $4::text
                 when 'bootstrap' then g.takes_bootstrap and (g.readmitted_until > $7::timestamptz) is not false
                 when 'own' then g.id = any($5::bigint[]) and $6::int between g.own_from and g.own_to
                 when 'imported' then g.takes_imported and g.id = any($5::bigint[])
                 else true end as admitted
from gateway g
where g.serial_number = $1 and g.oui = $2 and g.product_class = $3;

-- name: find_open_writes
-- The writes that a session under way may stand at: of each kind the one whose request is outstanding in it, else the
-- one that is due. Asked only where the worker that serves this POST has not seen the session before.
with session as (
    select id, root, oui, product_class, software_version, profile, booted_at,
           coalesce(written_count >= $4::int and written_from > $5::timestamptz - interval '1 day', false) as is_spent
    from gateway where id = $1 and session_number = $2
),
standing as (
    select w.* from session g
    cross join lateral (
        select * from write w
        where w.gateway_id = g.id and w.finished_at is null and w.purpose in ('provision', 'clear')
        limit 1
    ) as w
    union all
    select w.* from session g
    cross join lateral (
        select * from write w
        where w.gateway_id = g.id and w.finished_at is null and w.purpose = 'credentials'
        limit 1
    ) as w
    where $3::bool
)
select w.id, w.purpose, w.pair, w.state, w.moves, w.attempts, w.step, w.plan::text, w.parameter_key, w.request_id,
       w.session_number as write_session_number, w.moved_at, w.due_at, w.association_id, w.generation, w.key_id,
       a.issued_at as association_issued_at, d.line_of_service, coalesce(s.code, '') as subscriber_code, g.root, g.oui, g.product_class, g.software_version, g.booted_at,
       g.is_spent or exists (
           select from brake b
           where (b.batch_id is null or b.batch_id = w.batch_id)
             and (b.profile is null or b.profile = g.profile)
             and (b.software_version is null or b.software_version = g.software_version)
       ) as braked
from standing w
cross join session g
left join association a on a.id = w.association_id
left join device d on d.id = a.device_id
left join subscriber s on s.id = a.subscriber_id;

-- name: move_writes
-- One event of each write's law, in its gateway's newest session only: a row that is missing from the answer says that
-- somebody else moved first. Gateways are locked in the same order as for Informs.
with asked as (
    select a.*, ordinality as place from unnest($1::move_row[]) with ordinality as a
),
session as (
    select asked.place
    from asked
    join gateway g on g.id = asked.gateway_id and g.session_number = asked.session_number
    order by g.serial_number collate "C", g.oui collate "C", g.product_class collate "C"
    for no key update of g
),
moved as (
    update write w set
        state = t.to_state,
        event = t.event,
        moves = w.moves + 1,
        moved_at = a.at,
        moved_by = null,
        attempts = a.attempts,
        step = a.step,
        plan = a.plan::jsonb,
        parameter_key = a.parameter_key,
        request_id = a.request_id,
        session_number = a.session_number,
        lease_until = a.lease_until,
        due_at = coalesce(a.due_at, a.at),
        finished_at = case when t.to_state in ('verified', 'rejected', 'failed', 'cancelled', 'superseded') then a.at end,
        fault = case when t.to_state = 'verified' then null
                     when t.to_state in ('applied', 'staged') then a.fault::jsonb
                     else coalesce(a.fault::jsonb, w.fault) end,
        proof = a.proof,
        profile = coalesce(a.profile, w.profile)
    from asked a
    join session using (place)
    join write_transition t on t.event = a.event
    where w.id = a.write_id and w.gateway_id = a.gateway_id and w.moves = a.moves and t.from_state = w.state
    returning a.place, a.at, w.state, w.event, w.gateway_id, w.purpose, w.parameter_key, w.proof, a.code
),
-- What goes out counts towards its gateway's budget of the day. What is proven is what its next Informs are compared
-- with; credentials have ParameterKeys too.
noted as (
    update gateway g set
        written_from = case when m.event <> 'dispatched' or g.written_from > m.at - interval '1 day'
                            then g.written_from else m.at end,
        written_count = case when m.event <> 'dispatched' then g.written_count
                             when g.written_from > m.at - interval '1 day' then g.written_count + 1
                             else 1 end,
        kept_version = case when m.state <> 'verified' or m.purpose = 'credentials' then g.kept_version
                            when m.purpose = 'provision' then g.software_version end,
        kept_key = case when m.event = 'dispatched'
                          or m.event = 'login_proves' and g.parameter_key is distinct from m.parameter_key then g.kept_key
                        else coalesce(m.parameter_key, g.parameter_key) end,
        kept_code = case when m.event = 'dispatched' or m.purpose = 'credentials' then g.kept_code else m.code end,
        checked_at = case when m.event = 'dispatched' or m.purpose = 'credentials' then g.checked_at
                          when m.proof = 'read_back' then m.at end
    from moved m
    where g.id = m.gateway_id
      and (m.event = 'dispatched' or m.state = 'verified' and m.purpose <> 'credentials'
           or m.purpose = 'credentials' and m.event in ('accepted', 'deferred', 'key_matches', 'login_proves'))
)
select place, state from moved;

-- name: hold_write
-- A request of a write that does not move by it: a read-back under way, the same request once more, or none any more.
with session as (
    select id from gateway where id = $1 and session_number = $2 for share
)
update write w set
    step = $5,
    plan = $6::text::jsonb,
    request_id = $7,
    session_number = $2,
    lease_until = $8
from session
where w.id = $3 and w.gateway_id = session.id and w.moves = $4 and w.request_id is not distinct from $9
returning w.state;

-- name: expire_leases
-- Requests that were not answered in time: a write that was being sent is in doubt, one that was being read back goes
-- on as it was. At most $2 rows a call; rows that a session holds are left to it.
with expired as (
    select id from write where lease_until < $1 order by lease_until limit $2 for update skip locked
)
update write w set
    state = case when w.state = 'sent' then 'in_doubt' else w.state end,
    event = case when w.state = 'sent' then 'session_lost' else w.event end,
    moves = w.moves + case when w.state = 'sent' then 1 else 0 end,
    moved_at = case when w.state = 'sent' then $1 else w.moved_at end,
    moved_by = null,
    request_id = case when w.state = 'sent' then w.request_id end,
    lease_until = null
from expired
where w.id = expired.id
returning w.id, w.state;
