-- oldest daemon: 0.1.0
--
-- An index of the writes with a fault cost each session that provisions 160 µs of Postgres, which looks at its condition in
-- every move; people look for faults seldom.

drop index write_with_fault;
