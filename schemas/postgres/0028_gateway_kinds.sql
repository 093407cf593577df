-- oldest daemon: 0.1.0
--
-- What makers and models there are, and the gateways of each, newest last: for people who search by them. No column of it
-- is one that an Inform changes.

create index gateway_kind on gateway (oui, product_class, id);
