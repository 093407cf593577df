-- oldest daemon: 0.1.0
--
-- What a gateway showed when the value that it was given was found right: its next Informs are compared with that, in
-- the statement that takes them.

alter table gateway
    add column kept_version     text,           -- software version; null: no value of ours is known to be in it
    add column kept_key         text,           -- ParameterKey; null: it shows none
    add column kept_code        text,           -- ProvisioningCode that was written with the value; null: none was
    add column checked_at       timestamptz;    -- when the value was last read; null: it cannot be
