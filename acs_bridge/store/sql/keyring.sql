-- name: lock
-- Two daemons that start on one empty database: the second waits, and then sees the keys of the first.
lock table keyring_key in share row exclusive mode;

-- name: known
-- Every key that this database has ever known.
select key_id, check_value, state from keyring_key order by created_at, key_id;

-- name: record
-- A key of the keyring file that this database has not known yet.
insert into keyring_key (key_id, check_value, created_at, state) values ($1, $2, $3, $4);

-- name: step_down
-- The current key seals nothing more.
update keyring_key set state = 'former' where state = 'current';

-- name: promote
-- A key seals what is issued from now on.
update keyring_key set state = 'current' where key_id = $1 and state = 'prepared';

-- name: retire
-- Former keys open nothing any more.
update keyring_key set state = 'retired', retired_at = $1 where state = 'former'
returning key_id;

-- name: is_in_use
-- Whether there are PHAN URLs that somebody's keys have sealed.
select exists (select from association);
