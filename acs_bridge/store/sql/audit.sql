-- name: record
-- Who did what, when and from where. Subscribers are named by id only: nothing here says who they are.
insert into audit (at, actor, address, action, association_id, write_id, subscriber_id, device_id, gateway_id, detail)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);
