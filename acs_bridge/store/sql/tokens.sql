-- name: insert
-- A new token: its hash, never the token.
insert into token (name, role, hash, created_at, expires_at, networks, requests_per_minute)
values ($1, $2, $3, $4, $5, $6, $7);

-- name: check
-- Whose token this is, as long as it counts. When it was last used is kept to the minute, and never waited for.
with known as (
    select id, name, role, networks, requests_per_minute, last_used_at
    from token
    where hash = $1 and revoked_at is null and (expires_at is null or expires_at > $2)
),
used as (
    update token t set last_used_at = $2
    from (
        select t.id from token t join known on known.id = t.id
        where known.last_used_at is null or known.last_used_at < $2 - interval '1 minute'
        for no key update of t skip locked
    ) as stale
    where t.id = stale.id
)
select name, role, networks, requests_per_minute from known;

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
