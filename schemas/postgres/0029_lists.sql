-- oldest daemon: 0.1.0
--
-- What lists of writes are asked for by: lines, also those that are deleted, and faults.

create index device_line_deleted on device (line_key) where deleted_at is not null;
create index write_with_fault on write (id) where fault is not null;
