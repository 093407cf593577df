-- name: insert
-- A new user.
insert into console_user (name, name_key, role, password_hash, must_change, created_at, password_at)
values ($1, $2, $3, $4, $5, $6, $6);

-- name: first
-- The first user of all; no row when there is one already, or another daemon is making it.
insert into console_user (name, name_key, role, password_hash, must_change, created_at, password_at)
select $1, $2, $3, $4, true, $5, $5
where not exists (select from console_user)
on conflict do nothing
returning id;

-- name: any_user
-- Whether anybody could ever log in.
select exists (select from console_user);

-- name: list
-- Every user.
select name, role, must_change, created_at, password_at, last_login_at, disabled_at from console_user order by name_key;

-- name: find
-- Who has this name, also when disabled.
select id, name, role, password_hash, must_change, disabled_at is not null as disabled
from console_user
where name_key = $1;

-- name: set_password
-- Gives a user another password, and ends the sessions that were begun with the one before.
with changed as (
    update console_user set password_hash = $2, must_change = $3, password_at = $4 where id = $1 returning id
)
delete from console_session s using changed where s.user_id = changed.id;

-- name: rehash
-- Keeps the same password at today's cost.
update console_user set password_hash = $3 where id = $1 and password_hash = $2;

-- name: hold
-- Keeps others from locking these users out until the transaction ends; those of them who are not locked out.
select name from console_user where name_key = any($1::text[]) and disabled_at is null order by id for update;

-- name: disable
-- Lets nobody log in by this name; no row when that was so already.
with disabled as (
    update console_user set disabled_at = $2 where id = $1 and disabled_at is null returning id
), ended as (
    delete from console_session s using disabled where s.user_id = disabled.id
)
select id from disabled;

-- name: enable
-- Lets a user log in again; no row when that was so already.
update console_user set disabled_at = null where id = $1 and disabled_at is not null returning id;

-- name: begin
-- A new session.
with told as (update console_user set last_login_at = $3 where id = $2)
insert into console_session (hash, user_id, started_at, seen_at, ends_at) values ($1, $2, $3, $3, $4);

-- name: session
-- Whose session this is, as long as it counts. When it was last seen is kept to the minute, and never waited for.
with known as (
    select s.hash, s.seen_at, s.ends_at, u.id as user_id, u.name, u.role, u.must_change
    from console_session s
    join console_user u on u.id = s.user_id
    where s.hash = $1 and s.ends_at > $2 and s.seen_at > $3 and u.disabled_at is null
),
seen as (
    update console_session s set seen_at = $2
    from (
        select s.hash from console_session s join known on known.hash = s.hash
        where $4 and known.seen_at < $2 - interval '1 minute'
        for no key update of s skip locked
    ) as stale
    where s.hash = stale.hash
)
select user_id, name, role, must_change, ends_at from known;

-- name: end_session
-- Ends a session.
delete from console_session where hash = $1;

-- name: open_sessions
-- How many sessions count of each user who has one, and when one of them was last used.
select u.name, count(*) as sessions, max(s.seen_at) as seen_at
from console_session s
join console_user u on u.id = s.user_id
where s.ends_at > $1 and s.seen_at > $2
group by u.name;

-- name: end_sessions
-- Ends every session of a user; how many there were.
with ended as (delete from console_session where user_id = $1 returning 1)
select count(*) from ended;

-- name: clean_sessions
-- Forgets sessions that are long over.
delete from console_session where hash in (select hash from console_session where ends_at < $1 limit $2);

-- name: clean_throttle
-- Forgets attempts that are long past.
delete from login_throttle where (kind, key) in (select kind, key from login_throttle where at < $1 limit $2);

-- name: charge
-- Counts an attempt before it is known to fail, by every name that it goes by, and gives those names; held ones are
-- missing. Beyond the free ones each attempt holds back the next, for twice as long each time, up to a limit.
insert into login_throttle as t (kind, key, attempts, at, held_until)
select kind, key, 1, $5, $5
from unnest($1::text[], $2::text[]) as asked (kind, key)
where not exists (
    select from login_throttle h join unnest($1::text[], $2::text[]) as a (kind, key) using (kind, key)
    where h.held_until > $5
)
order by kind, key
on conflict (kind, key) do update set
    attempts = case when t.at < $5 - interval '1 hour' then 1 else t.attempts + 1 end,
    at = $5,
    held_until = $5 + make_interval(secs => (
        select case when t.at < $5 - interval '1 hour' or t.attempts < free then 0
               else least(longest, power(2, least(t.attempts - free, 20))) end
        from unnest($1::text[], $3::int[], $4::float8[]) as bound (kind, free, longest)
        where bound.kind = excluded.kind
    ))
where t.held_until <= $5
returning kind;

-- name: held
-- Until when attempts by these names are held back.
select max(t.held_until)
from login_throttle t
join unnest($1::text[], $2::text[]) as asked (kind, key) using (kind, key)
where t.held_until > $3;

-- name: forgive
-- An attempt succeeded: its name and its browser begin anew, its address gets back this one.
with forgotten as (
    delete from login_throttle t
    using unnest($1::text[], $2::text[]) as asked (kind, key)
    where t.kind = asked.kind and t.key = asked.key and t.kind <> 'address'
)
update login_throttle t set attempts = greatest(t.attempts - 1, 0), held_until = t.at
from unnest($1::text[], $2::text[]) as asked (kind, key)
where t.kind = asked.kind and t.key = asked.key and t.kind = 'address';

-- name: forgive_name
-- Nothing holds this name back any more.
delete from login_throttle where kind = 'name' and key = $1;
