-- name: aim
-- Says which pair a gateway is to have from now on, and takes it from now on too: before it is written. What it took so
-- far goes on being taken until it has logged in with the new one. A pair of its own is the next generation.
update gateway set
    pair = $2,
    own_to = own_to + case when $2 = 'own' then 1 else 0 end,
    takes_bootstrap = takes_bootstrap or $2 = 'bootstrap',
    readmitted_until = case when $2 <> 'bootstrap' then readmitted_until end,
    takes_imported = takes_imported or $2 = 'imported'
where id = $1
returning own_to;

-- name: standing
-- What a gateway may log in with; locked, so that nobody else changes it meanwhile.
select g.pair, g.takes_bootstrap, g.takes_imported, g.own_from, g.own_to, p.username is not null as known,
       p.username is not null and p.realm is null as known_whole,
       array(select distinct q.reason from quarantine q where q.gateway_id = g.id order by q.reason) as kept_out
from gateway g
left join gateway_pair p on p.gateway_id = g.id
where g.id = $1
for no key update of g;

-- name: readmit
-- Takes what a gateway showed when it was kept out: the shared pair, or ($3) what it had before. Of two boxes that showed
-- its DeviceId it is the one that comes next.
update gateway set
    takes_bootstrap = takes_bootstrap or $2,
    readmitted_until = case when not $2 then readmitted_until when pair <> 'certificate' then $4::timestamptz end,
    pair = case when pair = 'certificate' and $2 then 'bootstrap' else pair end,
    takes_imported = takes_imported or ($3 and exists (select from gateway_pair p where p.gateway_id = gateway.id)),
    own_from = case when $3 then 1 else own_from end,
    cloned_at = null, turns = 0, turned_at = null, former_face = null
where id = $1;

-- name: release
-- Forgets the calls that were kept out of a gateway.
delete from quarantine where gateway_id = $1;

-- name: supersede
-- Takes away the credentials that a newer write replaces.
update write set state = 'superseded', event = 'superseded', moves = moves + 1, moved_at = $2, moved_by = $3,
                 finished_at = $2, request_id = null, lease_until = null
where gateway_id = $1 and purpose = 'credentials' and finished_at is null;

-- name: insert
-- Queues a write of credentials.
insert into write (id, purpose, pair, gateway_id, batch_id, generation, moved_at, moved_by, due_at, created_at, cause)
values ($1, 'credentials', $2, $3, $4, $5, $6, $7, $6, $6, 'credentials');

-- name: crowd
-- How many other gateways have this user name.
select count(*) from gateway_pair where username = $1 and gateway_id <> $2;

-- name: keep
-- Keeps the pair that a gateway has, in place of one that was kept before.
insert into gateway_pair (gateway_id, username, sealed, realm, created_at, created_by) values ($1, $2, $3, $4, $5, $6)
on conflict (gateway_id) do update set
    username = excluded.username, sealed = excluded.sealed, realm = excluded.realm, created_at = excluded.created_at,
    created_by = excluded.created_by;

-- name: take_imported
-- Takes an imported pair; where the gateway had none of its own, in place of the one that all share.
update gateway set
    takes_imported = true,
    takes_bootstrap = takes_bootstrap and pair = 'own',
    pair = case when pair = 'own' then 'own' else 'imported' end
where id = $1;

-- name: by_username
-- The gateways that are known to have this user name.
select gateway_id, sealed, realm from gateway_pair where username = $1 order by gateway_id;

-- name: imported
-- The pair that a gateway had before us.
select username, sealed, realm from gateway_pair where gateway_id = $1;

-- name: holds_own
-- Whether a gateway has ever taken credentials that were made for it: with them came those for connection requests.
select exists (
    select from write
    where gateway_id = $1 and purpose = 'credentials' and pair = 'own' and state in ('applied', 'staged', 'verified')
);

-- name: quarantine
-- Counts a call that was kept out; so many addresses ($6) are told apart for each gateway and reason.
insert into quarantine (gateway_id, reason, address, claimed, first_at, last_at)
select g.id, $2, case when crowd.addresses < $6 or crowd.known then $3 else '' end, $4, $5, $5
from gateway g
cross join lateral (
    select count(*) as addresses, coalesce(bool_or(q.address = $3), false) as known
    from quarantine q where q.gateway_id = g.id and q.reason = $2
) as crowd
where g.id = $1
on conflict (gateway_id, reason, address) do update set
    claimed = excluded.claimed, last_at = greatest(quarantine.last_at, excluded.last_at), calls = quarantine.calls + 1
returning calls;

-- name: forget_calls
-- Forgets calls that were kept out and did not come again; at most $2 rows a call.
delete from quarantine
where ctid = any(array(select ctid from quarantine where last_at < $1 order by last_at limit $2))
returning gateway_id;
