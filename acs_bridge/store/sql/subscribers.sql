-- name: insert
-- A new subscriber; no row when the code is taken.
insert into subscriber (code, code_key, name, created_at, updated_at) values ($1, $2, $3, $4, $4)
on conflict (code_key) do nothing
returning id;

-- name: find
-- One subscriber by the key of its code.
select s.id, s.code, s.name, s.created_at, s.updated_at,
       (select count(*) from association a where a.subscriber_id = s.id and a.ended_at is null) as lines
from subscriber s
where s.code_key = $1;

-- name: page
-- Newest first, from below a known id: rows that are added meanwhile move nothing; of these ($7). $6 follows from $2 and
-- $3, and is what the index of trigrams knows: a search that finds little reads little.
select s.id, s.code, s.name, s.created_at, s.updated_at,
       (select count(*) from association a where a.subscriber_id = s.id and a.ended_at is null) as lines
from subscriber s
where ($1::bigint is null or s.id < $1)
  and ($7::bigint[] is null or s.id = any($7))
  and ($2::text is null or s.code_key like $2 or s.name ilike $3)
  and ($6::text is null
       or translate(s.code_key, '-:._/,''’ ', '') || ' ' || translate(lower(s.name), 'ς-:._/,''’', 'σ') like $6)
  and ($4::bool is null or $4 = exists (select from association a where a.subscriber_id = s.id and a.ended_at is null))
order by s.id desc
limit $5;

-- name: newest
-- So many of those that come next in a list.
select array(select id from subscriber where ($1::bigint is null or id < $1) order by id desc limit $2);

-- name: without_line
-- A page of those that have no line.
with alone as materialized (
    select id from subscriber where ($1::bigint is null or id < $1)
    except
    select subscriber_id from association where ended_at is null and ($1::bigint is null or subscriber_id < $1)
)
select array(select id from alone order by id desc limit $2);

-- name: rename
-- Another name for a known code.
update subscriber set name = $2, updated_at = $3 where code_key = $1 returning id;

-- name: delete
-- Erases a subscriber; its past associations keep no trace of it. The database refuses it while one is not over.
delete from subscriber where code_key = $1 returning id;
