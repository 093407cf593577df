-- One box for everything. What a record is found by stands in an index of trigrams, without case and without the
-- separators that people type or leave out. $1 the text as codes are compared, $2 the longest word between "%", $6 the
-- next one, $3 all words, $4 how many at most, $5 whether the index has the longest: it knows none of fewer than three
-- characters.
--
-- Each is looked for in three ways, and the later ones only while there is room. What begins so is found in order, however
-- many there are. What many records have is found among the newest ones; what is not there is rare, and the index finds it
-- without reading much. So no text is slow, be it in a million records or in none. `anywhere` is materialized so that the
-- planner does not see the limit behind it, for which it would rather read the table until so many are found.

-- name: plan
-- What follows in this transaction is planned for what is searched, reads no table from end to end, and gives up when it
-- takes longer.
select set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_seqscan', 'off', true),
       set_config('statement_timeout', $1, true);

-- name: subscribers
with begins as (
    select id, case code_key when $1 then 0 else 1 end as place
    from subscriber
    where code_key >= $1 and code_key < $1 || U&'\+10FFFF'
    order by code_key
    limit $4
),
newest as (
    select n.id
    from (select * from subscriber order by id desc limit 1000) as n
    cross join lateral (
        select translate(n.code_key, '-:._/,''’ ', '') || ' ' || translate(lower(n.name), 'ς-:._/,''’', 'σ') as text
    ) as said
    where (select count(*) from begins) < $4 and said.text like $2 and said.text like $6
      and not exists (select from unnest($3::text[]) as word where strpos(said.text, word) = 0)
    limit $4
),
anywhere as materialized (
    select s.id, translate(s.code_key, '-:._/,''’ ', '') || ' ' || translate(lower(s.name), 'ς-:._/,''’', 'σ') as text
    from subscriber s
    where translate(s.code_key, '-:._/,''’ ', '') || ' ' || translate(lower(s.name), 'ς-:._/,''’', 'σ') like $2
      and translate(s.code_key, '-:._/,''’ ', '') || ' ' || translate(lower(s.name), 'ς-:._/,''’', 'σ') like $6
),
rare as (
    select id
    from anywhere
    where $5 and (select count(*) from begins) + (select count(*) from newest) < $4
      and not exists (select from unnest($3::text[]) as word where strpos(text, word) = 0)
    limit $4
),
found as (
    select id, min(place) as place
    from (select id, place from begins union all select id, 2 from newest union all select id, 2 from rare) as each
    group by id
    order by 2, 1
    limit $4
)
select f.place, s.id, s.code as subscriber_code, s.name as subscriber_name,
       null::text as line_of_service, l.lines, l.first_lines,
       null::bigint as gateway_id, null::text as oui, null::text as product_class, null::text as serial_number
from found f
join subscriber s on s.id = f.id
left join lateral (
    select count(*) as lines, (array_agg(d.line_of_service order by a.id))[:5] as first_lines
    from association a join device d on d.id = a.device_id
    where a.subscriber_id = s.id and a.ended_at is null
) as l on true
order by f.place, s.code_key;

-- name: devices
with begins as (
    select id, case line_key when $1 then 0 else 1 end as place
    from device
    where deleted_at is null and line_key >= $1 and line_key < $1 || U&'\+10FFFF'
    order by line_key
    limit $4
),
newest as (
    select n.id
    from (select * from device where deleted_at is null order by id desc limit 1000) as n
    cross join lateral (select translate(n.line_key, '-:._/,''’ ', '') as text) as said
    where (select count(*) from begins) < $4 and said.text like $2 and said.text like $6
      and not exists (select from unnest($3::text[]) as word where strpos(said.text, word) = 0)
    limit $4
),
anywhere as materialized (
    select d.id, translate(d.line_key, '-:._/,''’ ', '') as text
    from device d
    where d.deleted_at is null and translate(d.line_key, '-:._/,''’ ', '') like $2
      and translate(d.line_key, '-:._/,''’ ', '') like $6
),
rare as (
    select id
    from anywhere
    where $5 and (select count(*) from begins) + (select count(*) from newest) < $4
      and not exists (select from unnest($3::text[]) as word where strpos(text, word) = 0)
    limit $4
),
found as (
    select id, min(place) as place
    from (select id, place from begins union all select id, 2 from newest union all select id, 2 from rare) as each
    group by id
    order by 2, 1
    limit $4
)
select f.place, d.id, s.code as subscriber_code, s.name as subscriber_name, d.line_of_service, null::bigint as lines, null::text[] as first_lines,
       d.gateway_id, coalesce(g.oui, d.wanted_oui) as oui, g.product_class,
       coalesce(g.serial_number, d.wanted_serial) as serial_number
from found f
join device d on d.id = f.id
left join gateway g on g.id = d.gateway_id
left join association a on a.device_id = d.id and a.ended_at is null
left join subscriber s on s.id = a.subscriber_id
order by f.place, d.line_key;

-- name: gateways
-- Serial numbers have a case ($7: as it was typed, $8: in capitals); a MAC address is an OUI and what stands behind it.
with begins as (
    select g.id, case when g.serial_number = typed.text or $1::text is null then 0 else 1 end as place
    from (select distinct text from (values ($7::text), ($8::text)) as v (text)) as typed
    cross join lateral (
        select b.id, b.serial_number
        from gateway b
        where b.serial_number >= typed.text and b.serial_number < typed.text || U&'\+10FFFF'
        order by b.serial_number
        limit $4
    ) as g
),
newest as (
    select n.id
    from (select * from gateway order by id desc limit 1000) as n
    cross join lateral (select translate(lower(n.oui || n.serial_number), '-:._/,''’ ', '') as text) as said
    where (select count(*) from begins) < $4 and said.text like $2 and said.text like $6
      and not exists (select from unnest($3::text[]) as word where strpos(said.text, word) = 0)
    limit $4
),
anywhere as materialized (
    select g.id, translate(lower(g.oui || g.serial_number), '-:._/,''’ ', '') as text
    from gateway g
    where translate(lower(g.oui || g.serial_number), '-:._/,''’ ', '') like $2
      and translate(lower(g.oui || g.serial_number), '-:._/,''’ ', '') like $6
),
rare as (
    select id
    from anywhere
    where $5 and (select count(*) from begins) + (select count(*) from newest) < $4
      and not exists (select from unnest($3::text[]) as word where strpos(text, word) = 0)
    limit $4
),
found as (
    select id, min(place) as place
    from (select id, place from begins union all select id, 2 from newest union all select id, 2 from rare) as each
    group by id
    order by 2, 1
    limit $4
)
select f.place, g.id, s.code as subscriber_code, s.name as subscriber_name, d.line_of_service, null::bigint as lines, null::text[] as first_lines,
       g.id as gateway_id, g.oui, g.product_class, g.serial_number
from found f
join gateway g on g.id = f.id
left join device d on d.gateway_id = g.id
left join association a on a.device_id = d.id and a.ended_at is null
left join subscriber s on s.id = a.subscriber_id
order by f.place, g.serial_number;
