-- oldest daemon: 0.1.0
--
-- Webhooks are told of settled writes, so only those pay for it: an event on the way to there calls no trigger, and the
-- statement that makes it keeps no table of what is new. (3 of 100 parts of what a provisioning request costs Postgres.)

create or replace function webhook_tell() returns trigger language plpgsql as $$
begin
    if exists (select from webhook where deleted_at is null) then
        insert into webhook_delivery (webhook_id, write_id, move, created_at, begun_at, due_at)
        select h.id, new.write_id, new.move, new.at, new.at, new.at
        from webhook h
        where h.deleted_at is null and new.to_state = any (h.states);
    end if;
    return null;
end $$;

drop trigger webhook_told on write_event;
create trigger webhook_told after insert on write_event
    for each row when (new.to_state in ('verified', 'rejected', 'failed', 'cancelled', 'superseded'))
    execute function webhook_tell();
