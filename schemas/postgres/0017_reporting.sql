-- oldest daemon: 0.1.0
--
-- When the gateway of a line has reported: one row for each association that ever had a report. Every report changes
-- its row, so that nothing here has an index, and a row has room to change on its page.

create table reporting (
    association_id      uuid primary key,       -- no foreign key: a report must not wait for who changes the association
    gateway_id          bigint,                 -- whose newest report that was; null: of one that has not informed yet
    first_at            timestamptz,            -- of all gateways that the line has had; null: none could be read
    since               timestamptz,            -- of this gateway
    last_at             timestamptz,            -- of this gateway
    window_at           timestamptz not null,   -- the hour that is counted begins here:
    window_reports      integer not null,
    window_bytes        bigint not null,
    recent              bigint[] not null default '{}',     -- 64 bits of a hash of each of the newest reports
    unread              bigint not null default 0,          -- reports that could not be read,
    unread_at           timestamptz,                        -- the last of them,
    unread_words        text                                -- and why not
) with (fillfactor = 50);

-- How often gateways report, as the profiles say, and under '' for all others. The daemon writes it when it starts; it
-- is empty where the daemon takes no reports.
create table report_interval (
    profile     text primary key,
    seconds     integer not null check (seconds > 0)
);

-- How the lines stand that somebody is associated with: a line is silent from so many intervals on after its newest
-- report, or after its URL was verified.
create view line_reporting as
select a.id as association_id, n.since, n.last_at,
       greatest(n.last_at, w.finished_at) + 3 * make_interval(secs => i.seconds) as silent_at
from association a
left join reporting n on n.association_id = a.id
left join lateral (
    select finished_at, profile
    from write
    where association_id = a.id and purpose = 'provision' and state = 'verified'
    order by id desc
    limit 1
) w on true
join lateral (
    select seconds from report_interval where profile = '' or profile = w.profile order by profile = '' limit 1
) i on true
where a.ended_at is null;

-- How a line stands at a time; null: nothing is expected of it.
create function report_state(at timestamptz, silent_at timestamptz, last_at timestamptz) returns text
language sql immutable parallel safe as $$
    select case when silent_at is null then null
                when silent_at < at then 'silent'
                when last_at is null then 'waiting'
                else 'reporting' end
$$;
