-- oldest daemon: 0.1.0
--
-- Makers and models by an expression, so that nothing that looks for one gateway by its identity takes this index: without
-- statistics Postgres finds it as good as the one of identities, and reads all gateways of a kind.

drop index gateway_kind;
create index gateway_kind on gateway ((oui || ' ' || product_class), id);
