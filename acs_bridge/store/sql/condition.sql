-- name: server
-- What a server says of itself.
select current_setting('server_version') as version, current_setting('server_encoding') as encoding,
       clock_timestamp() as now, current_user::text as role;

-- name: lacking
-- What the role of the daemon may not do, and has to: to read everything, and to add to and change what sessions do.
select c.relname || ' (select)' as lacks
from pg_class c
where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r' and not has_table_privilege(c.oid, 'select')
union all
select need.name || ' (' || need.privilege || ')'
from (
    select name, privilege
    from unnest(array['gateway', 'device', 'association', 'write', 'keyring_key', 'write_event', 'audit']) as name
    cross join unnest(array['insert', 'update']) as privilege
    where privilege = 'insert' or name not in ('write_event', 'audit')
) as need
where to_regclass(need.name) is not null and not has_table_privilege(need.name, need.privilege)
order by 1;
