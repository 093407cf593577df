-- oldest daemon: 0.1.0
--
-- What is kept of how gateways reach the daemon.

-- Digest logins that have served an Inform: each serves one, in whichever process. A login is 64 bits of a MAC over its
-- nonce and count. A nonce lives a minute, so that nothing here is worth a log: after a crash the table is empty.
create unlogged table used_login (
    login       bigint primary key,
    used_at     timestamptz not null
);

-- Whether the newest session was neither inside TLS nor from a management network: a PHAN URL is not sent there.
alter table gateway add column exposed boolean not null default false;
