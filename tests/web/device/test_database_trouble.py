"""The database is away, or does not answer: gateways are told to come back, and find everything as they left it."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from cwmp.messages import GetParameterValues, SetParameterValues, TransferComplete, TransferCompleteResponse
from tests.databases import Postgres
from tests.web.device.conftest import Acs
from tests.web.device.wire import XML, Answer, Authorize, Cpe, connected, login

SOON = 0.6


class Switch:
    """Takes the database of one test away, and brings it back."""

    def __init__(self, admin: asyncpg.Connection, name: str) -> None:
        self._admin = admin
        self._name = name

    async def off(self) -> None:
        await self._admin.execute(f"alter database {self._name} connection limit 0")
        await self._admin.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1", self._name
        )

    async def on(self) -> None:
        await self._admin.execute(f"alter database {self._name} connection limit -1")


@pytest.fixture
async def switch(postgres: Postgres, database_name: str) -> AsyncIterator[Switch]:
    admin = await asyncpg.connect(postgres.owner_url())
    switch = Switch(admin, database_name)
    try:
        yield switch
    finally:
        await switch.on()
        await admin.close()


@asynccontextmanager
async def row_locked(acs: Acs, serial: str = "S1") -> AsyncIterator[None]:
    """Somebody holds a gateway's row and does not let go."""
    async with acs.database.transaction() as connection:
        await connection.fetch("select from gateway where serial_number = $1 for update", serial)
        yield


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("acs_bridge.web.device.endpoint.ANSWER_SECONDS", SOON)


def comes_back_later(answer: Answer) -> bool:
    return (answer.status, bool(answer.body)) == (503, True) and 30 <= int(answer.get("retry-after") or 0) <= 60


async def step(acs: Acs, authorize: Authorize, cpe: Cpe, asked: Answer | None) -> Answer:
    """One POST of a session, on a connection of its own."""
    async with connected(acs.port) as wire:
        if asked is None:
            return await wire.post(b"", *cpe.headers(), authorize())
        return await cpe.say(wire, cpe.carried_out(asked.message), asked.id, authorize())


class TestADatabaseThatIsAway:
    async def test_is_503_for_an_inform_and_the_next_one_is_served(self, acs: Acs, switch: Switch) -> None:  # T-18
        write_id = await acs.provision()
        cpe, authorize = Cpe(), await login(acs.port)
        await switch.off()
        async with connected(acs.port) as wire:
            assert comes_back_later(await wire.post(cpe.inform(), XML, authorize()))
            assert await wire.is_closed()
        await switch.on()
        async with connected(acs.port) as wire:
            assert len(await cpe.session(wire, authorize)) == 2
        assert await acs.history(write_id) == ["created", "dispatched", "accepted", "read_back_equal"]

    async def test_is_503_in_the_middle_of_a_session_which_goes_on_afterwards(self, acs: Acs, switch: Switch) -> None:
        """S-26."""
        write_id = await acs.provision()
        cpe, authorize = Cpe(), await login(acs.port)
        async with connected(acs.port) as wire:
            await cpe.open(wire, authorize)
        asked = None
        for expected in (SetParameterValues, GetParameterValues, None):
            await switch.off()
            assert comes_back_later(await step(acs, authorize, cpe, asked))
            await switch.on()
            asked = await step(acs, authorize, cpe, asked)
            assert asked.status == (204 if expected is None else 200)
            assert expected is None or isinstance(asked.message, expected)
        assert await acs.history(write_id) == ["created", "dispatched", "accepted", "read_back_equal"]

    async def test_does_not_matter_to_a_session_without_work(self, acs: Acs, switch: Switch) -> None:
        """S-26: what the gateway tells is taken without a database, and so never lost to a fault."""
        cpe = Cpe()
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            await switch.off()
            assert isinstance((await cpe.say(wire, TransferComplete("key"), "1")).message, TransferCompleteResponse)
            assert (await cpe.empty(wire)).status == 204
        await switch.on()

    async def test_is_still_401_for_who_shows_no_credentials(self, acs: Acs, switch: Switch) -> None:
        await switch.off()
        async with connected(acs.port) as wire:
            assert (await wire.post(Cpe().inform(), XML)).status == 401
        await switch.on()


@pytest.mark.usefixtures("impatient")
class TestADatabaseThatDoesNotAnswer:
    async def test_is_503_in_time_for_an_inform(self, acs: Acs) -> None:  # T-26
        await acs.provision()
        cpe, authorize = Cpe(), await login(acs.port)
        async with row_locked(acs), connected(acs.port) as wire:
            begin = time.perf_counter()
            assert comes_back_later(await wire.post(cpe.inform(), XML, authorize()))
            assert SOON <= time.perf_counter() - begin < SOON + 2
        async with connected(acs.port) as wire:
            assert len(await cpe.session(wire, authorize)) == 2

    @pytest.mark.parametrize("stuck", [0, 1, 2])
    async def test_is_503_in_time_in_the_middle_of_a_session_which_goes_on_afterwards(
        self, acs: Acs, stuck: int
    ) -> None:
        write_id = await acs.provision()
        cpe, authorize = Cpe(), await login(acs.port)
        async with connected(acs.port) as wire:
            await cpe.open(wire, authorize)
        asked = None
        for place in range(3):
            if place == stuck:
                async with row_locked(acs):
                    assert comes_back_later(await step(acs, authorize, cpe, asked))
            asked = await step(acs, authorize, cpe, asked)
        assert asked is not None
        assert asked.status == 204
        assert await acs.history(write_id) == ["created", "dispatched", "accepted", "read_back_equal"]

    async def test_for_one_gateway_does_not_keep_others_waiting(
        self, acs: Acs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("acs_bridge.store.batching.STUCK_SECONDS", SOON / 4)
        other = await acs.provision("S2")
        await acs.provision("S1", "LOS-2", "C-2")
        cpe, authorize = Cpe("S1"), await login(acs.port)
        async with row_locked(acs, "S1"):
            for _ in range(3):  # it tries again and again
                async with connected(acs.port) as wire:
                    assert comes_back_later(await wire.post(cpe.inform(), XML, authorize()))
            async with connected(acs.port) as wire:
                assert len(await Cpe("S2").session(wire, authorize)) == 2
        assert await acs.state(other) == "verified"


async def test_a_gateway_that_hangs_up_leaves_its_session_to_its_next_connection(acs: Acs) -> None:
    write_id = await acs.provision()
    cpe, authorize = Cpe(), await login(acs.port)
    async with connected(acs.port) as wire:
        await cpe.open(wire, authorize)
        asked = await cpe.empty(wire)
    async with connected(acs.port) as wire:
        await wire.send(b"POST /acs HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n<half")
    while asked.status == 200:
        asked = await step(acs, authorize, cpe, asked)
    assert await acs.state(write_id) == "verified"
