-- oldest daemon: 0.1.0
--
-- Lines that wait for the next gateway off the shelf, whichever it is, and the gateways of whose serial number somebody
-- reads the end from a label.

create table awaited_gateway (
    device_id       bigint primary key references device on delete cascade,
    oui             text,                       -- null: of any maker
    product_class   text,                       -- null: of any kind
    former_id       bigint references gateway on delete set null,     -- that it had: this one is not meant
    until           timestamptz not null,       -- nobody is bound after that
    set_at          timestamptz not null
);

-- The end of a serial number comes first in it. No column of it is one that an Inform changes.
create index gateway_serial_end on gateway (reverse(upper(serial_number)) collate "C");
