-- oldest daemon: 0.1.0
--
-- An approval lets a gateway in again with the pair that all share, for a day: not for whoever comes a year later.

alter table gateway add column readmitted_until timestamptz;    -- null: takes_bootstrap holds without an end
