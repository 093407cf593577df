"""What Postgres itself refuses: rows that must never be, whoever asks for them."""

from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from acs_bridge.domain.write import SETTLED, Cause, WriteState
from acs_bridge.store.database import constraint_error

LINE = "insert into device (line_of_service, line_key, created_at, updated_at) values ($1, $1, $2, $2) returning id"
GATEWAY = """insert into gateway (oui, product_class, serial_number, created_at)
    values ('00236A', 'SR500', $1, $2) returning id"""
SUBSCRIBER = """insert into subscriber (code, code_key, name, created_at, updated_at)
    values ($1, $1, $1, $2, $2) returning id"""
ASSOCIATION = """insert into association (id, subscriber_id, device_id, key_id, issued_at, created_at, created_by)
    values ($1, $2, $3, 'k1', $4, $4, 'cli:test') returning id"""
WRITE = """insert into write
    (id, purpose, association_id, device_id, gateway_id, batch_id, moved_at, due_at, created_at, pair)
    values ($1, $2, $3, $4, $5, $1, $6, $6, $6, case $2 when 'credentials' then 'own' end) returning id"""
DISPATCH = """update write set state = 'sent', event = 'dispatched', moves = moves + 1, moved_at = $2,
    request_id = 'r1', lease_until = $3, attempts = attempts + 1, step = step + 1 where id = $1"""


class Records:
    """One subscriber, one line, one gateway and their association, made anew for each test."""

    def __init__(self, database, now):
        self.database, self.now = database, now

    async def make(self):
        self.subscriber = await self.database.fetchval(SUBSCRIBER, "S-1", self.now)
        self.device = await self.database.fetchval(LINE, "LINE-1", self.now)
        self.gateway = await self.gateway_named("GW-1")
        self.association = await self.associate(self.device)
        return self

    async def gateway_named(self, serial):
        return await self.database.fetchval(GATEWAY, serial, self.now)

    async def associate(self, device):
        return await self.database.fetchval(ASSOCIATION, uuid4(), self.subscriber, device, self.now)

    async def write(self, purpose="provision", *, device=None, association=None, gateway=None):
        device, association = device or self.device, association or self.association
        if purpose == "credentials":
            device = association = None
        return await self.database.fetchval(WRITE, uuid4(), purpose, association, device, gateway, self.now)

    async def sent(self, **about):
        write = await self.write(gateway=self.gateway, **about)
        await self.database.execute(DISPATCH, write, self.now, self.now + timedelta(seconds=90))
        return write

    async def move(self, write, state, event, **columns):
        """Move a write as the daemon does, with whatever other columns the new state asks for."""
        names = ["moved_at", *columns]
        assignments = ", ".join(f"{name} = ${number}" for number, name in enumerate(names, start=4))
        await self.database.execute(
            f"update write set state = $2, event = $3, moves = moves + 1, {assignments} where id = $1",  # noqa: S608
            write,
            state,
            event,
            self.now,
            *columns.values(),
        )

    async def history(self, write):
        rows = await self.database.fetch(
            "select move, from_state, event, to_state from write_event where write_id = $1 order by move", write
        )
        return [tuple(row) for row in rows]


@pytest.fixture
async def records(database, now):
    return await Records(database, now).make()


def refused_by(name):
    return pytest.raises(asyncpg.PostgresError, check=lambda error: constraint_error(error) == name)


async def test_a_write_is_queued_with_its_first_event(records):
    write = await records.write()
    assert await records.history(write) == [(0, None, "created", "queued")]


async def test_every_move_of_a_write_is_an_event_of_its_history(records):
    write = await records.sent()
    await records.move(write, "applied", "accepted", request_id=None, lease_until=None)
    await records.move(write, "verified", "read_back_equal", finished_at=records.now, proof="read_back")
    assert await records.history(write) == [
        (0, None, "created", "queued"),
        (1, "queued", "dispatched", "sent"),
        (2, "sent", "accepted", "applied"),
        (3, "applied", "read_back_equal", "verified"),
    ]


async def test_an_event_tells_who_moved_the_write_and_what_the_gateway_said(records):
    write = await records.sent()
    fault = {"code": 9003, "text": "Invalid arguments", "parameters": []}
    await records.move(
        write,
        "rejected",
        "refused",
        request_id=None,
        lease_until=None,
        finished_at=records.now,
        fault=fault,
        moved_by="x",
    )
    event = await records.database.fetchrow("select * from write_event where write_id = $1 and move = 2", write)
    assert (event["fault"], event["by"], event["gateway_id"], event["attempts"], event["at"]) == (
        fault,
        "x",
        records.gateway,
        1,
        records.now,
    )


async def test_renewing_a_lease_is_no_event(records):
    write = await records.sent()
    await records.database.execute("update write set lease_until = $2 where id = $1", write, records.now)
    assert len(await records.history(write)) == 2


async def test_a_write_moves_along_the_edges_of_the_table_only(records):
    write = await records.sent()
    with refused_by("write_transition_exists"):
        await records.move(write, "queued", "dispatched", request_id=None, lease_until=None)
    assert await records.history(write) == [(0, None, "created", "queued"), (1, "queued", "dispatched", "sent")]


async def test_a_state_cannot_change_without_a_move(records):
    write = await records.write()
    with refused_by("write_transition_exists"):
        await records.database.execute(
            "update write set state = 'cancelled', event = 'cancelled', finished_at = $2 where id = $1",
            write,
            records.now,
        )


async def test_moves_are_counted_one_by_one(records):
    write = await records.write()
    with refused_by("write_transition_exists"):
        await records.database.execute(
            """update write set state = 'cancelled', event = 'cancelled', finished_at = $2, moves = moves + 2
            where id = $1""",
            write,
            records.now,
        )


@pytest.mark.parametrize("final", ["verified", "cancelled", "superseded"])
async def test_no_edge_leaves_a_final_state(database, final):
    assert await database.fetchval("select count(*) from write_transition where from_state = $1", final) == 0


async def test_a_lease_needs_a_request(records):
    write = await records.write()
    with refused_by("write_lease"):
        await records.database.execute("update write set lease_until = $2 where id = $1", write, records.now)


async def test_an_outstanding_request_needs_a_lease(records):
    write = await records.sent()
    with refused_by("write_lease"):
        await records.database.execute("update write set lease_until = null where id = $1", write)


async def test_a_write_in_doubt_keeps_its_request_but_no_lease(records):
    write = await records.sent()
    with refused_by("write_lease"):
        await records.move(write, "in_doubt", "session_lost")
    await records.move(write, "in_doubt", "session_lost", lease_until=None)


async def test_a_sent_write_has_a_request(records):
    write = await records.write(gateway=records.gateway)
    with refused_by("write_sent_is_outstanding"):
        await records.move(write, "sent", "dispatched")


async def test_a_queued_write_has_no_request(records):
    write = await records.sent()
    with refused_by("write_outstanding"):
        await records.move(write, "queued", "faltered")


async def test_a_settled_write_has_finished(records):
    write = await records.write()
    with refused_by("write_settled"):
        await records.move(write, "cancelled", "cancelled")


async def test_an_unsettled_write_has_not_finished(records):
    write = await records.write()
    with refused_by("write_settled"):
        await records.database.execute("update write set finished_at = $2 where id = $1", write, records.now)


@pytest.mark.parametrize("proof", [None, "hearsay"])
async def test_a_verified_write_has_its_proof(records, proof):
    write = await records.sent()
    await records.move(write, "applied", "accepted", request_id=None, lease_until=None)
    with refused_by("write_proof"):
        await records.move(write, "verified", "read_back_equal", finished_at=records.now, proof=proof)


async def test_only_a_verified_write_has_a_proof(records):
    write = await records.write()
    with refused_by("write_proof"):
        await records.database.execute("update write set proof = 'read_back' where id = $1", write)


async def test_a_write_is_sent_to_a_gateway(records):
    write = await records.write()
    with refused_by("write_target"):
        await records.database.execute(DISPATCH, write, records.now, records.now)


async def test_a_purpose_is_one_of_three(records):
    with refused_by("write_purpose"):
        await records.write("firmware")


async def test_a_cause_is_a_word_as_the_domain_has_them(records):
    write = await records.write()
    for cause in Cause:
        await records.database.execute("update write set cause = $2 where id = $1", write, cause)
    for odd in ("", "Two words", "ASSOCIATED"):
        with refused_by("write_cause"):
            await records.database.execute("update write set cause = $2 where id = $1", write, odd)


async def test_only_a_credentials_write_is_without_association(records):
    with refused_by("write_association"):
        await records.database.execute(WRITE, uuid4(), "provision", None, None, None, records.now)
    with refused_by("write_association"):
        await records.database.execute(
            WRITE, uuid4(), "credentials", records.association, records.device, records.gateway, records.now
        )


async def test_the_line_of_a_write_is_that_of_its_association(records):
    other = await records.database.fetchval(
        """insert into device (line_of_service, line_key, created_at, updated_at) values ('other', 'other', $1, $1)
           returning id""",
        records.now,
    )
    with refused_by("write_of_line"):
        await records.database.execute(
            WRITE, uuid4(), "provision", records.association, other, records.gateway, records.now
        )


async def test_a_gateway_may_hold_the_pair_that_it_logged_in_with(records):
    for pair, law in (
        ("bootstrap", "gateway_takes_its_pair"),
        ("own", "gateway_takes_its_pair"),
        ("x", "gateway_pair_known"),
    ):
        with refused_by(law):
            await records.database.execute(
                "update gateway set pair = $2, takes_bootstrap = false where id = $1", records.gateway, pair
            )
    with refused_by("gateway_own_range"):
        await records.database.execute("update gateway set own_from = 0 where id = $1", records.gateway)


async def test_a_line_has_one_unsettled_provision(records):
    await records.write()
    with refused_by("write_line_busy"):
        await records.write()


async def test_a_settled_provision_frees_its_line(records):
    first = await records.write()
    await records.move(first, "superseded", "superseded", finished_at=records.now)
    assert await records.write()


async def test_a_gateway_is_the_target_of_one_unsettled_provision_or_clear(records):
    await records.write(gateway=records.gateway)
    with refused_by("write_gateway_busy"):
        await records.write("clear", gateway=records.gateway)


async def test_clearing_an_old_gateway_does_not_block_writing_the_new_one(records):
    await records.write("clear", gateway=records.gateway)
    assert await records.write(gateway=await records.gateway_named("GW-2"))


async def test_credentials_travel_beside_a_provision_but_once(records):
    await records.write(gateway=records.gateway)
    await records.write("credentials", gateway=records.gateway)
    with refused_by("write_credentials_busy"):
        await records.write("credentials", gateway=records.gateway)


async def test_writes_without_a_target_do_not_block_each_other(records):
    await records.write()
    other = await records.database.fetchval(LINE, "LINE-2", records.now)
    assert await records.write(device=other, association=await records.associate(other))


async def test_a_gateway_serves_one_line(records):
    bind = "update device set gateway_id = $2 where id = $1"
    other = await records.database.fetchval(LINE, "LINE-2", records.now)
    await records.database.execute(bind, records.device, records.gateway)
    with refused_by("device_gateway_taken"):
        await records.database.execute(bind, other, records.gateway)


async def test_a_gateway_that_has_not_informed_is_wanted_by_one_line(records):
    want = "update device set wanted_oui = '00236A', wanted_serial = 'W' where id = $1"
    other = await records.database.fetchval(LINE, "LINE-2", records.now)
    await records.database.execute(want, records.device)
    with refused_by("device_wanted_taken"):
        await records.database.execute(want, other)


async def test_a_line_wants_a_gateway_or_has_one(records):
    with refused_by("device_wants_or_has"):
        await records.database.execute(
            "update device set gateway_id = $2, wanted_oui = 'A', wanted_serial = 'B' where id = $1",
            records.device,
            records.gateway,
        )


async def test_a_line_has_one_active_association(records):
    with refused_by("association_line_active"):
        await records.associate(records.device)
    await records.database.execute("update association set ended_at = $1", records.now)
    assert await records.associate(records.device)


async def test_an_association_does_not_end_before_it_starts(records):
    with refused_by("association_end_after_start"):
        await records.database.execute("update association set ended_at = $1", records.now - timedelta(seconds=1))


async def test_codes_lines_and_gateways_are_single(records):
    with refused_by("subscriber_code_taken"):
        await records.database.fetchval(SUBSCRIBER, "S-1", records.now)
    with refused_by("device_line_taken"):
        await records.database.fetchval(LINE, "LINE-1", records.now)
    with refused_by("gateway_identity"):
        await records.gateway_named("GW-1")


@pytest.mark.parametrize("length", [0, 65])
async def test_codes_and_lines_have_1_to_64_characters(records, length):
    with refused_by("subscriber_code_length"):
        await records.database.fetchval(SUBSCRIBER, "x" * length, records.now)
    with refused_by("device_line_length"):
        await records.database.fetchval(LINE, "x" * length, records.now)


@pytest.mark.parametrize("change", ["update audit set actor = 'x'", "delete from audit", "truncate audit"])
async def test_the_audit_trail_only_grows_even_for_its_owner(database, owner, now, change):
    await database.execute(
        "insert into audit (at, actor, address, action) values ($1, 'cli:a', '', 'queue_paused')", now
    )
    with refused_by("audit_append_only"):
        await owner.execute(change)
    assert await database.fetchval("select actor from audit") == "cli:a"


async def test_a_webhook_is_told_of_each_state_that_settles_a_write_and_of_no_other(database, owner, now):
    await database.execute(
        """insert into webhook (id, url, states, secret, created_at, created_by)
        values ($1, 'https://bss.example', $2, 'sealed', $3, 'cli:test')""",
        uuid4(),
        sorted(SETTLED),
        now,
    )
    for state in WriteState:
        await owner.execute(
            """insert into write_event (write_id, move, at, event, to_state, attempts, step)
            values ($1, 1, $2, 'moved', $3, 0, 0)""",
            uuid4(),
            now,
            state,
        )
    told = await database.fetch("select to_state from webhook_delivery d join write_event using (write_id, move)")
    assert sorted(row["to_state"] for row in told) == sorted(SETTLED)


async def test_the_whole_queue_is_stopped_by_one_brake(database, now):
    stop = "insert into brake (set_at, set_by) values ($1, 'cli:a')"
    await database.execute(stop, now)
    with refused_by("brake_once"):
        await database.execute(stop, now)


async def test_the_queue_has_one_rate(database, now):
    with refused_by("queue_rate_pkey"):
        await database.execute("insert into queue_rate (refilled_at) values ($1)", now)
    with refused_by("queue_rate_only_row"):
        await database.execute("insert into queue_rate (only_row, refilled_at) values (false, $1)", now)


@pytest.mark.parametrize(
    "change",
    [
        "create table anything (id integer)",
        "alter table device add column x text",
        "drop table write",
        "truncate write",
    ],
)
async def test_the_daemon_cannot_change_its_own_tables(database, change):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.execute(change)


async def test_the_daemon_may_use_every_table_and_sequence(database):
    rows = await database.fetch(
        """select relname from pg_class where relnamespace = 'public'::regnamespace and not case relkind
            when 'r' then has_table_privilege(oid, 'select') and (relname like 'audit%' or
                has_table_privilege(oid, 'insert')
                and has_table_privilege(oid, 'update') and has_table_privilege(oid, 'delete'))
            when 'S' then has_sequence_privilege(oid, 'usage') else true end"""
    )
    assert [row["relname"] for row in rows] == []
