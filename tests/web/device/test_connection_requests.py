"""From a write that is queued to the ring that brings its gateway, with the clock in the test's hand."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from acs_bridge.settings import Settings
from acs_bridge.simulator.bells import Bells
from acs_bridge.simulator.gateway import Credentials, SimulatedGateway
from acs_bridge.simulator.surroundings import Surroundings
from tests.web.device.conftest import Acs, settings
from tests.web.device.wire import Cpe, connected, login

HOST = "127.0.0.1"
PAIR = Credentials("acs", "open-sesame")
URL = "X_ACSBRIDGE_HomeAnalytics.URL"


@pytest.fixture
def configured() -> Settings:
    rings = {"access_networks": ["127.0.0.0/8"], "username": PAIR.username, "password": PAIR.password}
    return settings(connection_requests=rings)


@pytest.fixture
async def rung(acs: Acs) -> AsyncIterator[SimulatedGateway]:
    """A gateway that has informed, and can be rung."""
    gateway = acs.gateway()
    async with Bells(Surroundings(clock=acs.clock)).listening(HOST, [gateway], PAIR):
        assert (await gateway.session(("0 BOOTSTRAP", "1 BOOT"))).completed
        yield gateway


async def looks(acs: Acs) -> int:
    begun = await acs.parts.doorbell.look()
    await acs.parts.doorbell.settled()
    return begun


async def comes(gateway: SimulatedGateway) -> None:
    async with asyncio.timeout(30):
        await gateway.until(lambda each: bool(each.value(URL)) and not each.in_session)


async def test_a_write_that_is_queued_rings_its_gateway_which_comes_for_it(acs: Acs, rung: SimulatedGateway) -> None:
    write_id = await acs.provision()
    assert await looks(acs) == 1
    await comes(rung)
    assert rung.value(URL) == await acs.url_of(write_id)
    assert await acs.state(write_id) == "verified"
    assert await looks(acs) == 0


async def test_a_write_that_is_queued_while_a_session_is_open_rings_once_more_five_seconds_after_it(
    acs: Acs, rung: SimulatedGateway
) -> None:
    authorize = await login(acs.port)
    cpe = Cpe()
    async with connected(acs.port) as wire:
        await cpe.open(wire, authorize)  # the same gateway, in a session that brings nothing
        await acs.database.execute("update gateway set connection_request_url = 'http://127.0.0.1:1/' where id = 1")
        write_id = await acs.provision()
        assert await looks(acs) == 1  # which the gateway does not hear
        assert (await cpe.empty(wire)).status == 204
    await acs.database.execute(
        "update gateway set connection_request_url = $1 where id = 1",
        rung.value("ManagementServer.ConnectionRequestURL"),
    )
    assert await acs.parts.session_ends.tell() == 1
    acs.clock.advance(seconds=4)  # type: ignore[attr-defined]
    assert await looks(acs) == 0
    acs.clock.advance(seconds=1)  # type: ignore[attr-defined]
    assert await looks(acs) == 1
    await comes(rung)
    assert await acs.state(write_id) == "verified"


async def test_a_gateway_that_cannot_be_rung_comes_by_itself(acs: Acs, rung: SimulatedGateway) -> None:
    """C-06."""
    rung.model.fix("ManagementServer.ConnectionRequestURL", "http://127.0.0.1:1/")
    await rung.session()
    write_id = await acs.provision()
    assert await looks(acs) == 1
    assert await acs.state(write_id) == "queued"
    await rung.session()
    assert await acs.state(write_id) == "verified"
