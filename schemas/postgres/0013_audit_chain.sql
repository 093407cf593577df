-- oldest daemon: 0.1.0
--
-- The audit trail as a chain, which shows whether somebody has changed it behind the triggers' back.

-- A row's place in the chain, and the SHA-256 over the hash before it and the row (acs_bridge/domain/audit_chain.py says
-- how). Rows are written by many at a time and linked a moment later by one, in the order in which they became visible:
-- so nobody who is audited waits for anybody else.
create table audit_link (
    n           bigint primary key,             -- from 1, without a gap
    audit_id    bigint not null,
    hash        bytea not null,
    constraint audit_link_hash_length check (length(hash) = 32)
);

-- Rows that are not linked yet. It has no index: it is read whole, and mostly empty.
create table audit_unlinked (
    audit_id    bigint not null
);

-- Where the oldest part of the chain was cut off because its time was over: what is left goes on from this link.
create table audit_cut (
    n           bigint primary key,             -- of the last link that was cut off
    hash        bytea not null,
    before      timestamptz not null,           -- everything that was cut off is older
    at          timestamptz not null,
    constraint audit_cut_hash_length check (length(hash) = 32)
);

create function audit_await_link() returns trigger language plpgsql as $$
begin
    insert into audit_unlinked (audit_id) select id from fresh;
    return null;
end $$;

create trigger audit_awaits_link after insert on audit
    referencing new table as fresh for each statement execute function audit_await_link();

-- What was there before the chain is linked first.
insert into audit_unlinked (audit_id) select id from audit order by id;

-- A row goes only when a cut says so. All other changes are refused, to the owner of the tables too.
create or replace function audit_refuse() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and tg_level = 'ROW' then
        if tg_table_name = 'audit' and old.at < (select before from audit_cut order by n desc limit 1) then
            return old;
        end if;
    end if;
    raise exception 'the audit trail is append-only'
        using errcode = 'insufficient_privilege', table = tg_table_name, constraint = 'audit_append_only';
end $$;

create function audit_link_refuse() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and old.n <= (select max(n) from audit_cut) then
        return old;
    end if;
    raise exception 'the audit trail is append-only'
        using errcode = 'insufficient_privilege', table = tg_table_name, constraint = 'audit_append_only';
end $$;

create trigger audit_append_only before update or delete on audit_link
    for each row execute function audit_link_refuse();
create trigger audit_never_truncated before truncate on audit_link for each statement execute function audit_refuse();
create trigger audit_append_only before update or delete on audit_cut for each row execute function audit_refuse();
create trigger audit_never_truncated before truncate on audit_cut for each statement execute function audit_refuse();
create trigger audit_never_truncated before truncate on audit_unlinked for each statement execute function audit_refuse();

-- A cut takes a beginning of the chain that is older than 30 days, whatever clock and settings the daemon has.
create function audit_cut_check() returns trigger language plpgsql as $$
begin
    if new.before > clock_timestamp() - interval '30 days'
       or not exists (select from audit_link l where l.n = new.n and l.hash = new.hash)
       or exists (select from audit_cut c where c.n >= new.n or c.before > new.before) then
        raise exception 'this is no beginning of the audit trail that may be cut off'
            using errcode = 'check_violation', table = 'audit_cut', constraint = 'audit_cut_allowed';
    end if;
    return new;
end $$;

create trigger audit_cut_allowed before insert on audit_cut for each row execute function audit_cut_check();

-- Cuts off what is older, as far as it is the beginning of the chain, and writes that down in the chain. The two
-- functions have the rights of their owner: whoever calls them may not delete by itself, and has no say in what the time is.
create function audit_cut_off(the_time timestamptz) returns boolean
language plpgsql security definer as $$
declare
    first_kept bigint;
    last_gone record;
begin
    perform pg_advisory_xact_lock(3, 0);
    select l.n into first_kept
    from audit_link l join audit a on a.id = l.audit_id
    where a.at >= the_time and l.n > coalesce((select max(n) from audit_cut), 0)
    order by l.n limit 1;
    select l.n, l.hash into last_gone
    from audit_link l
    where (first_kept is null or l.n < first_kept) and l.n > coalesce((select max(n) from audit_cut), 0)
    order by l.n desc limit 1;
    if last_gone.n is null then
        return false;
    end if;
    insert into audit_cut (n, hash, before, at) values (last_gone.n, last_gone.hash, the_time, clock_timestamp());
    insert into audit (at, actor, address, action, detail)
    values (clock_timestamp(), 'daemon', '', 'audit_cut',
            jsonb_build_object('through', last_gone.n, 'hash', encode(last_gone.hash, 'hex')));
    return true;
end $$;

-- Deletes what a cut has cut off, a part at a time; how many rows there were.
create function audit_clear(the_most int) returns bigint language plpgsql security definer as $$
declare
    gone bigint;
begin
    perform pg_advisory_xact_lock(3, 0);
    with old as materialized (
        select n, audit_id from audit_link where n <= (select max(n) from audit_cut) order by n limit the_most
    ),
    links as (
        delete from audit_link l using old where l.n = old.n
    ),
    deeds as (
        delete from audit a using old where a.id = old.audit_id
    )
    select count(*) into gone from old;
    return gone;
end $$;

do $$ begin
    execute format('alter function audit_cut_off set search_path = %I, pg_temp', current_schema());
    execute format('alter function audit_clear set search_path = %I, pg_temp', current_schema());
end $$;

-- Besides the triggers: whoever does not own the trail may read it and add to it, and nothing else.
create function audit_guard() returns void language plpgsql as $$
declare
    who record;
begin
    for who in
        select distinct case when acl.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end as name
        from pg_class c, aclexplode(c.relacl) as acl
        where c.oid in ('audit'::regclass, 'audit_link'::regclass, 'audit_cut'::regclass, 'audit_unlinked'::regclass)
          and acl.grantee <> c.relowner
    loop
        execute format('revoke update, delete, truncate, trigger on audit, audit_link, audit_cut from %s', who.name);
        execute format('revoke insert on audit_cut from %s', who.name);
        execute format('revoke update, truncate, trigger on audit_unlinked from %s', who.name);
    end loop;
end $$;

select audit_guard();

-- What the daemon's role may do, where it is not the role that owns the tables.
create function admit_daemon(the_role name) returns void language plpgsql as $$
begin
    execute format('grant usage on schema %I to %I', current_schema(), the_role);
    execute format('grant select, insert, update, delete on all tables in schema %I to %I', current_schema(), the_role);
    execute format('grant select, usage on all sequences in schema %I to %I', current_schema(), the_role);
    execute format('grant execute on all functions in schema %I to %I', current_schema(), the_role);
    perform audit_guard();
end $$;

-- What it is searched by: newest first, by who, what, from where and whom.
create index audit_in_time on audit (at, id);
create index audit_of_actor on audit (actor, at, id);
create index audit_of_action on audit (action, at, id);
create index audit_of_address on audit (address, at, id);
create index audit_of_subscriber on audit (subscriber_id, at, id) where subscriber_id is not null;
create index audit_of_gateway on audit (gateway_id, at, id) where gateway_id is not null;
