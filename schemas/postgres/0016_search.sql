-- oldest daemon: 0.1.0
--
-- What one search box finds everything by: indexes of trigrams, over texts without case and separators.

-- pg_trgm comes with Postgres (in some distributions as the package postgresql-contrib), and whoever owns a database may
-- create it there.
do $$
declare
    operators text;
begin
    begin
        create extension if not exists pg_trgm;
    exception when others then
        raise exception 'the extension pg_trgm is needed for searching: install the contrib modules of Postgres, or let a superuser run "create extension pg_trgm" in this database (%)', sqlerrm;
    end;
    select quote_ident(n.nspname) || '.gin_trgm_ops' into operators
    from pg_extension e join pg_namespace n on n.oid = e.extnamespace
    where e.extname = 'pg_trgm';
    execute 'create index subscriber_search on subscriber using gin ('
        '(translate(code_key, ''-:._/,''''’ '', '''') || '' '' || translate(lower(name), ''ς-:._/,''''’'', ''σ'')) '
        || operators || ')';
    execute 'create index device_search on device using gin ('
        '(translate(line_key, ''-:._/,''''’ '', '''')) ' || operators || ') where deleted_at is null';
    execute 'create index gateway_search on gateway using gin ('
        '(translate(lower(oui || serial_number), ''-:._/,''''’ '', '''')) ' || operators || ')';
end $$;

