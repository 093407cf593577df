-- name: is_verified
-- Whether the URL of this generation is known as verified.
select exists (select from write
               where association_id = $1 and purpose = 'provision' and generation = $2 and state = 'verified');

-- name: add_association
-- An association that was lost, under its own id.
insert into association (id, subscriber_id, device_id, generation, key_id, issued_at, created_at, created_by)
values ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: raise_generation
-- The field is ahead of what is recorded: go on from there.
update association set generation = $2, key_id = $3, issued_at = $4, counts_from = null where id = $1 and ended_at is null;

-- name: add_verified
-- What brought the URL, as far as it is known: it is there, and was read.
insert into write (id, purpose, association_id, device_id, gateway_id, batch_id, generation, key_id, state, cause, step,
                   proof, moved_at, moved_by, due_at, created_at, finished_at)
values ($1, 'provision', $2, $3, $4, $5, $6, $7, 'verified', 'adopted', 1, 'read_back', $8, $9, $8, $8, $8);
