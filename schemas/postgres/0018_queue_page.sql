-- oldest daemon: 0.1.0
--
-- What the Queue page looks for: writes that are not over well, of a state or a fault, however many are.

create index write_unsettled_or_stuck on write (state, id)
    where state in ('queued', 'sent', 'applied', 'staged', 'in_doubt', 'rejected', 'failed');
