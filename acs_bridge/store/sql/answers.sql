-- Answers that are kept under the Idempotency-Key of their call.

-- name: claim
-- One call with this key at a time, until its transaction ends.
select pg_advisory_xact_lock(2, hashtext($1 || ' ' || $2));

-- name: find
-- What was answered, and to what.
select fingerprint, status, location, media_type, body from idempotency_key where owner = $1 and key = $2;

-- name: keep
-- Kept with what the call did.
insert into idempotency_key (owner, key, fingerprint, status, location, media_type, body, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: clean
-- The oldest of those from before a time.
delete from idempotency_key
where (owner, key) in (
    select owner, key from idempotency_key where created_at < $1 order by created_at limit $2 for update skip locked
);

-- name: erase
-- Answers that name a subscriber who is erased ($1 the code, $2 the code as JSON writes it) become $3: the same call again
-- is told that. It reads all of them; that happens seldom.
update idempotency_key set status = 410, location = null, media_type = 'application/problem+json', body = $3
where strpos(lower(body), lower($2)) > 0 and left(body, 1) = '{'
  and (lower(body::jsonb ->> 'code') = lower($1) or lower(body::jsonb ->> 'subscriber_code') = lower($1)
       or strpos(lower(body::jsonb ->> 'detail'), lower('subscriber ' || $1 || ':')) > 0
       or strpos(lower(body::jsonb ->> 'detail'), lower('subscriber code ' || $1 || ' ')) > 0);
