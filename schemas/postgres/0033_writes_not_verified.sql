-- oldest daemon: 0.1.0
--
-- All writes but those that are verified, which nearly all are, and which have no fault: what is cancelled or superseded too
-- is found by its fault. It takes the place of an index, and its condition costs a move less than the former one.

create index write_not_verified on write (state, id) where state <> 'verified';
drop index write_unsettled_or_stuck;
