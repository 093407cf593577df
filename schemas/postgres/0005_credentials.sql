-- oldest daemon: 0.1.0
--
-- Which credentials a gateway may log in with, the pairs that were known before us, and the calls that are kept out.

-- `pair` is what the gateway is to have (certificate: it showed one, and no pair is needed); the columns below it, what it may show. They grow when a pair is about to be
-- written, and shrink to that pair when the gateway has logged in with it: whatever happens in between, what the
-- gateway holds is among them. An Inform changes them seldom; they carry no index.
alter table gateway
    add column pair             text not null default 'bootstrap',
    add column takes_bootstrap     boolean not null default true,      -- the bootstrap pair
    add column takes_imported   boolean not null default false,     -- the pair of `gateway_pair`
    add column own_from         integer not null default 1,         -- derived pairs of these generations; none while
    add column own_to           integer not null default 0,         -- own_to < own_from. own_to never goes back
    add constraint gateway_pair_known check (pair in ('bootstrap', 'imported', 'own', 'certificate')),
    add constraint gateway_own_range check (own_from >= 1 and own_to >= own_from - 1),
    add constraint gateway_takes_its_pair check (case pair when 'bootstrap' then takes_bootstrap when 'imported' then takes_imported
                                                           when 'own' then own_to >= own_from else true end);

-- A pair that a gateway had before it came to us. Two gateways may have one user name, and even one pair: whose it is
-- says the DeviceId, never the name.
create table gateway_pair (
    gateway_id      bigint primary key references gateway on delete cascade,
    username        text not null,
    sealed          bytea not null,             -- the password, or HA1: sealed by the keyring, for this gateway
    realm           text,                       -- of HA1; null: the password is known
    created_at      timestamptz not null,
    created_by      text not null,
    constraint gateway_pair_username_length check (length(username) between 1 and 256)
);
create index gateway_pair_of_username on gateway_pair (username);

-- Callers whose credentials do not go with the DeviceId that they named. They changed nothing else than this.
create table quarantine (
    gateway_id      bigint not null references gateway on delete cascade,     -- whom they claimed to be; foreign_pair: whose pair it was
    reason          text not null,
    address         text not null,              -- empty: from so many addresses that the others are counted together
    claimed         text not null,              -- the DeviceId of the latest call
    first_at        timestamptz not null,
    last_at         timestamptz not null,
    calls           bigint not null default 1,
    primary key (gateway_id, reason, address),
    constraint quarantine_reason check (reason in ('bootstrap_pair', 'foreign_pair', 'retired_pair'))
);
create index quarantine_age on quarantine (last_at);

-- Writes of credentials: which pair they carry (`generation` counts the gateway's own ones), and the proof that only a
-- login gives, because a password reads back as nothing.
alter table write
    add column pair text,
    add constraint write_pair check ((pair is not null) = (purpose = 'credentials') and pair in ('bootstrap', 'imported', 'own')),
    drop constraint write_proof,
    add constraint write_proof check ((proof is not null) = (state = 'verified')
                                      and proof in ('read_back', 'parameter_key', 'login'));

insert into write_transition (from_state, event, to_state) values
    ('queued',   'login_proves',    'verified'),
    ('sent',     'login_proves',    'verified'),
    ('in_doubt', 'login_proves',    'verified'),
    ('applied',  'login_proves',    'verified'),
    ('staged',   'login_proves',    'verified'),
    ('applied',  'login_differs',   'queued'),
    ('staged',   'login_differs',   'queued');
