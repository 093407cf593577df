"""The statements of a session, on a real Postgres."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from acs_bridge.domain.ids import new_id, tag
from acs_bridge.domain.planner import Asked, Plan
from acs_bridge.domain.write import WriteEvent, WriteState
from acs_bridge.store.database import Database
from acs_bridge.store.sessions import Change, InformRow, OpenedSession, Sessions
from tests.store.rows import INFORM

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def sessions(database: Database) -> Sessions:
    return Sessions(database)


async def opened(sessions: Sessions, row: InformRow = INFORM, now: datetime = NOW) -> OpenedSession:
    (session,) = await sessions.take_informs([row], now)
    assert session is not None
    return session


async def provision(database: Database, gateway_id: int | None, line: str = "LOS-1", **columns: Any) -> UUID:
    """Put one associated line into the database, with its write queued for a gateway."""
    write_id = new_id(NOW)
    association_id = new_id(NOW)
    subscriber_id = await database.fetchval(
        "insert into subscriber (code, code_key, name, created_at, updated_at) values ($1, $1, 'Ann', $2, $2)"
        " returning id",
        f"C-{line}",
        NOW,
    )
    device_id = await database.fetchval(
        "insert into device (line_of_service, line_key, gateway_id, created_at, updated_at) values ($1, $1, $2, $3, $3)"
        " returning id",
        line,
        gateway_id,
        NOW,
    )
    await database.execute(
        "insert into association (id, subscriber_id, device_id, key_id, issued_at, created_at, created_by)"
        " values ($1, $2, $3, 'k1', $4, $4, 'test')",
        association_id,
        subscriber_id,
        device_id,
        NOW,
    )
    row = {
        "id": write_id,
        "purpose": "provision",
        "association_id": association_id,
        "device_id": device_id,
        "gateway_id": gateway_id,
        "batch_id": write_id,
        "generation": 1,
        "key_id": "k1",
        "moved_at": NOW,
        "due_at": NOW,
        "created_at": NOW,
        **columns,
    }
    places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
    names = ", ".join(row)
    await database.execute(f"insert into write ({names}) values ({places})", *row.values())  # noqa: S608 - ours
    return write_id


SENT = Change(
    attempts=1,
    step=1,
    plan=Plan(asked=Asked.SET),
    parameter_key="key-1",
    request_id="key-1",
    lease_until=NOW + timedelta(seconds=90),
    due_at=NOW,
    fault=None,
    proof=None,
    profile="plain",
    code=None,
)


class TestAnInform:
    async def test_registers_a_gateway_that_is_not_known(self, database: Database, sessions: Sessions) -> None:
        session = await opened(sessions, INFORM._replace(events=("0 BOOTSTRAP", "2 PERIODIC"), booted=True))
        row = await database.fetchrow("select * from gateway where id = $1", session.gateway_id)
        assert session.is_first
        assert session.session_number == 1
        assert row is not None
        assert (row["oui"], row["serial_number"], row["events"]) == ("00005E", "S1", ["0 BOOTSTRAP", "2 PERIODIC"])
        assert row["booted_at"] == row["first_inform_at"] == NOW

    async def test_raises_the_session_number_of_a_gateway_that_is(self, sessions: Sessions) -> None:
        first = await opened(sessions)
        second = await opened(sessions)
        assert (second.gateway_id, second.session_number, second.is_first) == (first.gateway_id, 2, False)

    async def test_learns_the_beat_of_periodic_informs(self, database: Database, sessions: Sessions) -> None:
        await opened(sessions)
        await opened(sessions, INFORM._replace(periodic=False, events=("6 CONNECTION REQUEST",)), NOW + timedelta(1))
        session = await opened(sessions, now=NOW + timedelta(hours=23))
        beat = await database.fetchval("select periodic_seconds from gateway where id = $1", session.gateway_id)
        assert beat == 23 * 3600

    async def test_tells_gateways_with_one_serial_number_apart(self, sessions: Sessions) -> None:
        rows = [INFORM, INFORM._replace(product_class="Other"), INFORM._replace(oui="00005F")]
        found = await sessions.take_informs(rows, NOW)
        assert len({session.gateway_id for session in found if session is not None}) == 3

    async def test_finds_the_write_that_waits_for_its_gateway(self, database: Database, sessions: Sessions) -> None:
        gateway_id = (await opened(sessions)).gateway_id
        write_id = await provision(database, gateway_id)
        session = await opened(sessions)
        assert session.write is not None
        assert session.write.association is not None
        assert (session.write.id, session.write.association.line_of_service) == (write_id, "LOS-1")
        assert session.write.state is WriteState.QUEUED
        assert not session.held_back

    async def test_finds_nothing_for_a_gateway_that_is_neither_believed_nor_approved(
        self, database: Database, sessions: Sessions
    ) -> None:
        stranger = INFORM._replace(believed=False)
        gateway_id = (await opened(sessions, stranger)).gateway_id
        await provision(database, gateway_id)
        assert (await opened(sessions, stranger)).write is None
        await database.execute("update gateway set approved_at = $1, approved_by = 'Ann'", NOW)
        assert (await opened(sessions, stranger)).write is not None

    async def test_answers_in_the_order_of_the_batch(self, database: Database, sessions: Sessions) -> None:
        rows = [INFORM._replace(serial_number=f"S{number}") for number in range(5)]
        first = await sessions.take_informs(rows, NOW)
        await provision(database, first[3].gateway_id if first[3] else None)
        second = await sessions.take_informs(rows, NOW)
        assert [session.gateway_id for session in second if session] == [
            session.gateway_id for session in first if session
        ]
        assert [bool(session and session.write) for session in second] == [False, False, False, True, False]


class TestTheBrakes:
    @pytest.mark.parametrize(
        "brake",
        [
            {},
            {"profile": "plain"},
            {"software_version": "1.0"},
            {"profile": "plain", "software_version": "1.0"},
        ],
    )
    async def test_hold_a_write_back(self, database: Database, sessions: Sessions, brake: dict[str, str]) -> None:
        await provision(database, (await opened(sessions)).gateway_id)
        await database.execute(
            "insert into brake (profile, software_version, set_at, set_by) values ($1, $2, $3, 'Ann')",
            brake.get("profile"),
            brake.get("software_version"),
            NOW,
        )
        assert (await opened(sessions)).held_back
        await database.execute("delete from brake")
        assert not (await opened(sessions)).held_back

    @pytest.mark.parametrize("brake", [{"profile": "other"}, {"software_version": "2.0"}])
    async def test_leave_other_writes_alone(
        self, database: Database, sessions: Sessions, brake: dict[str, str]
    ) -> None:
        await provision(database, (await opened(sessions)).gateway_id)
        await database.execute(
            "insert into brake (profile, software_version, set_at, set_by) values ($1, $2, $3, 'Ann')",
            brake.get("profile"),
            brake.get("software_version"),
            NOW,
        )
        assert not (await opened(sessions)).held_back

    async def test_let_only_so_many_writes_out_in_a_minute(self, database: Database, sessions: Sessions) -> None:
        rows = [INFORM._replace(serial_number=f"S{number}") for number in range(6)]
        for number, session in enumerate(await sessions.take_informs(rows, NOW)):
            await provision(database, session.gateway_id if session else None, f"LOS-{number}")
        await database.execute("update queue_rate set writes_per_minute = 120, refilled_at = $1", NOW)

        async def let_out(after: float) -> int:
            found = await sessions.take_informs(rows, NOW + timedelta(seconds=after))
            return sum(session is not None and not session.held_back for session in found)

        assert await let_out(60) == 2  # a bucket of one second
        assert await let_out(60) == 0
        assert await let_out(60.5) == 1
        assert await let_out(61.5) == 2

    async def test_take_the_ceiling_of_the_settings_where_no_operator_set_one(self, database: Database) -> None:
        limited = Sessions(database, writes_per_minute=60)
        await provision(database, (await opened(limited)).gateway_id)
        await database.execute("update queue_rate set refilled_at = $1", NOW)
        assert (await opened(limited)).held_back
        assert not (await opened(limited, now=NOW + timedelta(seconds=1))).held_back


class TestAMove:
    async def test_follows_the_law_and_is_recorded(self, database: Database, sessions: Sessions) -> None:
        await provision(database, (await opened(sessions)).gateway_id)
        session = await opened(sessions)
        assert session.write is not None
        state = await sessions.move(
            session.gateway_id, session.session_number, session.write, WriteEvent.DISPATCHED, SENT, NOW
        )
        history = await database.fetch("select from_state, event, to_state from write_event order by move")
        assert state is WriteState.SENT
        assert [tuple(row) for row in history] == [(None, "created", "queued"), ("queued", "dispatched", "sent")]

    async def test_of_an_older_session_finds_nothing(self, database: Database, sessions: Sessions) -> None:
        await provision(database, (await opened(sessions)).gateway_id)
        old = await opened(sessions)
        await opened(sessions)
        assert old.write is not None
        moved = await sessions.move(old.gateway_id, old.session_number, old.write, WriteEvent.DISPATCHED, SENT, NOW)
        assert moved is None

    async def test_on_a_row_that_has_moved_finds_nothing(self, database: Database, sessions: Sessions) -> None:
        await provision(database, (await opened(sessions)).gateway_id)
        session = await opened(sessions)
        assert session.write is not None
        for expected in (WriteState.SENT, None):
            moved = await sessions.move(
                session.gateway_id, session.session_number, session.write, WriteEvent.DISPATCHED, SENT, NOW
            )
            assert moved is expected

    async def test_against_the_law_finds_nothing(self, database: Database, sessions: Sessions) -> None:
        await provision(database, (await opened(sessions)).gateway_id)
        session = await opened(sessions)
        assert session.write is not None
        moved = await sessions.move(
            session.gateway_id, session.session_number, session.write, WriteEvent.READ_BACK_EQUAL, SENT, NOW
        )
        assert moved is None


class TestAnotherWorker:
    async def test_finds_the_write_of_a_session_that_it_has_not_seen(
        self, database: Database, sessions: Sessions
    ) -> None:
        await provision(database, (await opened(sessions)).gateway_id)
        session = await opened(sessions)
        assert session.write is not None
        await sessions.move(session.gateway_id, session.session_number, session.write, WriteEvent.DISPATCHED, SENT, NOW)
        found = await sessions.find_open_write(session.gateway_id, session.session_number, NOW)
        assert found is not None
        assert found.write.state is WriteState.SENT
        assert found.write.plan == Plan(asked=Asked.SET)
        assert found.write.request_id == "key-1"
        assert (found.kind.root, found.kind.oui) == ("Device.", "00005E")
        assert await sessions.find_open_write(session.gateway_id, session.session_number - 1, NOW) is None


class TestALease:
    async def test_that_runs_out_leaves_a_write_in_doubt(self, database: Database, sessions: Sessions) -> None:
        await provision(database, (await opened(sessions)).gateway_id)
        session = await opened(sessions)
        assert session.write is not None
        await sessions.move(session.gateway_id, session.session_number, session.write, WriteEvent.DISPATCHED, SENT, NOW)
        assert await sessions.expire_leases(NOW + timedelta(seconds=90), 10) == 0
        assert await sessions.expire_leases(NOW + timedelta(seconds=91), 10) == 1
        row = await database.fetchrow("select state, request_id, lease_until from write")
        assert row is not None
        assert tuple(row) == ("in_doubt", "key-1", None)

    def test_tags_name_the_write(self) -> None:
        write_id = new_id(NOW)
        assert len(tag(write_id, 1)) <= 32
