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
