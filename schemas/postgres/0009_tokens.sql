-- oldest daemon: 0.1.0
--
-- What narrows a bearer token further than its role.

alter table token
    add column networks cidr[] not null default '{}',   -- where it is taken from; empty: everywhere
    add column requests_per_minute int,                 -- null: what the settings say
    add constraint token_requests_per_minute check (requests_per_minute > 0);
