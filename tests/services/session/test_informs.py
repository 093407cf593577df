"""Informs that arrive together, on a real Postgres."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any, cast

import pytest

from acs_bridge.services.session.informs import Informs
from acs_bridge.store.database import Database
from acs_bridge.store.sessions import InformRow, OpenedSession, Sessions
from tests.store.rows import INFORM

POISON = INFORM._replace(serial_number="poison", manufacturer="\0")  # Postgres has no text with a NUL in it


def informs_of(*serials: str) -> list[InformRow]:
    return [INFORM._replace(serial_number=serial) for serial in serials]


class CountedSessions(Sessions):
    """The real ones, and what they were asked."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.statements: list[list[str]] = []
        self.errors: list[Exception] = []

    async def take_informs(self, rows: Sequence[InformRow], now: datetime) -> list[OpenedSession | None]:
        self.statements.append([row.serial_number for row in rows])
        try:
            return await super().take_informs(rows, now)
        except Exception as error:
            self.errors.append(error)
            raise


class Worker:
    def __init__(self, database: Database, clock: Any) -> None:
        self.sessions = CountedSessions(database)
        self.informs = Informs(self.sessions, clock)

    async def take(self, *rows: InformRow) -> list[OpenedSession]:
        taken = await asyncio.gather(*map(self.informs.take, rows))
        assert all(isinstance(session, OpenedSession) for session in taken)
        return cast("list[OpenedSession]", taken)


@pytest.fixture
def worker(database: Database, clock: Any) -> Worker:
    return Worker(database, clock)


@pytest.fixture
async def workers(database_url: str, clock: Any) -> AsyncIterator[list[Worker]]:
    """Two, each with a pool of its own."""
    async with AsyncExitStack() as stack:
        pools = [await stack.enter_async_context(Database.connect(database_url, pool_size=4)) for _ in range(2)]
        yield [Worker(pool, clock) for pool in pools]


class TestInformsThatArriveTogether:
    async def test_are_one_statement(self, worker: Worker) -> None:
        serials = [f"S{number}" for number in range(50)]
        sessions = await worker.take(*informs_of(*serials))
        assert worker.sessions.statements == [sorted(serials)]
        assert len({session.gateway_id for session in sessions}) == 50

    async def test_are_told_apart(self, worker: Worker, database: Database) -> None:
        rows = informs_of("S3", "S1", "S2")
        for _ in range(2):
            sessions = await worker.take(*rows)
            for row, session in zip(rows, sessions, strict=True):
                found = await database.fetchval("select serial_number from gateway where id = $1", session.gateway_id)
                assert found == row.serial_number

    async def test_of_one_gateway_open_one_session_for_the_last_of_them(
        self, worker: Worker, database: Database
    ) -> None:
        await worker.take(INFORM)
        rows = [INFORM._replace(address=f"192.0.2.{number}") for number in range(3)]
        *older, newest = await worker.take(*rows)
        assert newest.session_number == 2
        assert all(session.session_number < 2 and session.write is None for session in older)
        row = await database.fetchrow("select session_number, address from gateway")
        assert row is not None
        assert tuple(row) == (2, "192.0.2.2")

    async def test_are_not_harmed_by_one_that_the_database_refuses(self, worker: Worker, database: Database) -> None:
        first, poisoned, last = await asyncio.gather(
            *map(worker.informs.take, (INFORM, POISON, *informs_of("S2"))), return_exceptions=True
        )
        assert isinstance(first, OpenedSession)
        assert isinstance(last, OpenedSession)
        assert isinstance(poisoned, Exception)
        assert [len(rows) for rows in worker.sessions.statements] == [3, 1, 1, 1]
        found = await database.fetch("select serial_number, session_number from gateway order by 1")
        assert [tuple(row) for row in found] == [("S1", 1), ("S2", 1)]


class TestTwoWorkers:
    async def test_may_register_the_same_gateway_at_the_same_moment(
        self, workers: list[Worker], database: Database
    ) -> None:
        for number in range(20):
            row = INFORM._replace(serial_number=f"S{number}")
            sessions = await asyncio.gather(*(worker.informs.take(row) for worker in workers))
            assert len({session.gateway_id for session in sessions}) == 1
            assert sorted(session.session_number for session in sessions) == [1, 2]
            assert sum(session.is_first for session in sessions) == 1
        assert await database.fetchval("select count(*) from gateway") == 20

    async def test_may_register_many_of_the_same_gateways_at_the_same_moment(self, workers: list[Worker]) -> None:
        serials = [f"S{number}" for number in range(100)]
        batches = await asyncio.gather(
            workers[0].take(*informs_of(*serials)), workers[1].take(*informs_of(*reversed(serials)))
        )
        pairs = zip(batches[0], reversed(batches[1]), strict=True)
        for first, second in pairs:
            assert first.gateway_id == second.gateway_id
            assert {first.session_number, second.session_number} == {1, 2}

    async def test_do_not_deadlock_over_the_same_gateways(self, workers: list[Worker], database: Database) -> None:
        serials = [f"S{number}" for number in range(40)]
        await workers[0].take(*informs_of(*serials))
        rounds = 25

        async def come(worker: Worker, serial: str) -> None:
            for _ in range(rounds):
                await worker.informs.take(INFORM._replace(serial_number=serial))

        await asyncio.gather(
            *(come(worker, serial) for turn, worker in enumerate(workers) for serial in serials[:: 1 - 2 * turn])
        )
        assert not workers[0].sessions.errors
        assert not workers[1].sessions.errors
        numbers = {row["session_number"] for row in await database.fetch("select session_number from gateway")}
        assert numbers == {1 + 2 * rounds}
