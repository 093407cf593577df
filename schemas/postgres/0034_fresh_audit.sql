-- oldest daemon: 0.1.0
--
-- What single requests write into the audit trail. The nine indexes of the trail cost each of them a tenth of what it
-- costs Postgres: so its row stands in a table with one index, until the linker takes it to the others a moment later.
-- Whoever reads `audit` sees both.

create table audit_fresh () inherits (audit)
    with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
alter table audit_fresh
    alter column id set default nextval('audit_id_seq'),
    add primary key (id);

-- A row goes only when the trail has it, as it was. Row by row, because that also holds where it is deleted from `audit`.
create function audit_fresh_refuse() returns trigger language plpgsql as $$
begin
    if not exists (select from only audit a where a.id = old.id and row(a.*) is not distinct from row(old.*)) then
        raise exception 'the audit trail is append-only'
            using errcode = 'insufficient_privilege', table = tg_table_name, constraint = 'audit_append_only';
    end if;
    return null;
end $$;

create trigger audit_append_only before update on audit_fresh for each row execute function audit_refuse();
create trigger audit_leaves_for_the_trail after delete on audit_fresh
    for each row execute function audit_fresh_refuse();
create trigger audit_never_truncated before truncate on audit_fresh for each statement execute function audit_refuse();

-- As before, and the same for this table as for the other one that the linker empties.
create or replace function audit_guard() returns void language plpgsql as $$
declare
    who record;
begin
    for who in
        select distinct case when acl.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end as name
        from pg_class c, aclexplode(c.relacl) as acl
        where c.oid in ('audit'::regclass, 'audit_link'::regclass, 'audit_cut'::regclass, 'audit_unlinked'::regclass,
                        'audit_fresh'::regclass)
          and acl.grantee <> c.relowner
    loop
        execute format('revoke update, delete, truncate, trigger on audit, audit_link, audit_cut from %s', who.name);
        execute format('revoke insert on audit_cut from %s', who.name);
        execute format('revoke update, truncate, trigger on audit_unlinked, audit_fresh from %s', who.name);
    end loop;
end $$;

select audit_guard();
