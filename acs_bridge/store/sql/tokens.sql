-- name: insert
-- A new token: its hash, never the token.
insert into token (name, role, hash, created_at, expires_at, networks, requests_per_minute)
values ($1, $2, $3, $4, $5, $6, $7);

-- name: check
-- Whose token this is, as long as it counts; and whether it is to be noted that it is used, which is kept to the minute.
select name, role, networks, requests_per_minute, last_used_at,
       coalesce(last_used_at < $2::timestamptz - interval '1 minute', true) as is_news
from token
where hash = $1 and revoked_at is null and (expires_at is null or expires_at > $2);

-- name: used
-- A token is used; whoever notes the same at this moment is not waited for.
update token t set last_used_at = $2
from (select id from token where hash = $1 for no key update skip locked) as mine
where t.id = mine.id;

-- name: list
-- Every token that was ever made.
select name, role, created_at, expires_at, revoked_at, last_used_at, networks, requests_per_minute
from token
order by id;

-- name: revoke
-- From now on this token is nobody's.
update token set revoked_at = $2 where name = $1 and revoked_at is null returning id;

-- name: exists
-- Whether there is, or was, a token of this name.
select exists (select from token where name = $1);
