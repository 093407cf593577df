-- oldest daemon: 0.1.0
--
-- Why a write was queued is one of the words of `Cause` in acs_bridge/domain/write.py; which ones there are is said there
-- alone. The database holds them to the shape of a word.

alter table write
    drop constraint write_cause,
    add constraint write_cause check (cause ~ '^[a-z_]{1,32}$');
