-- name: lock
-- Two daemons that start on one empty database: the second waits, and then sees the keys of the first.
lock table keyring_key in share row exclusive mode;

-- name: known
-- Every key that this database has ever known.
select key_id, check_value, retired_at is not null as retired from keyring_key order by created_at, key_id;

-- name: record
-- A key of the keyring file that this database has not known yet.
insert into keyring_key (key_id, check_value, created_at) values ($1, $2, $3);

-- name: is_in_use
-- Whether there are PHAN URLs that somebody's keys have sealed.
select exists (select from association);
