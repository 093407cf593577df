"""Simulated gateways that are rung, by the daemon's own client."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from acs_bridge.domain.credentials import Pair
from acs_bridge.domain.networks import read
from acs_bridge.domain.ring import RingResult
from acs_bridge.services.doorbell.address import Bell
from acs_bridge.services.doorbell.client import Rung, ring
from acs_bridge.simulator.behaviour import Behaviour, BellQuirk
from acs_bridge.simulator.bells import Bells
from acs_bridge.simulator.gateway import Credentials, SimulatedGateway
from acs_bridge.simulator.report import SessionReport
from acs_bridge.simulator.surroundings import Surroundings
from cwmp.messages import EventStruct
from tests.simulator.acs import ScriptedAcs

PAIR = Pair("acs", "open-sesame")
OURS = Credentials(PAIR.username, PAIR.password)
HOST = "127.0.0.1"
Make = Callable[..., SimulatedGateway]


async def rung(gateway: SimulatedGateway, pair: Pair | None = PAIR) -> Rung:
    url = gateway.value("ManagementServer.ConnectionRequestURL")
    async with asyncio.timeout(20):
        return await ring(Bell.of(url), read(HOST), pair, lambda: "0a4f113b")


@pytest.mark.parametrize(
    "quirks",
    [set(), {BellQuirk.NO_COMMAS}, {BellQuirk.FOLDS}, {BellQuirk.CLOSES}, set(BellQuirk) - {BellQuirk.THROTTLES}],
)
async def test_a_gateway_that_is_rung_opens_a_session(
    gateway_of: Make, acs: ScriptedAcs, surroundings: Surroundings, quirks: Any
) -> None:
    gateway = gateway_of(behaviour=Behaviour(bell_quirks=frozenset(quirks)))
    reports: list[SessionReport] = []
    async with Bells(surroundings, reports.append).listening(HOST, [gateway], OURS) as bells:
        assert await rung(gateway) == Rung(RingResult.RUNG, 200)
        async with asyncio.timeout(20):
            await gateway.until(lambda each: each.last_report is not None)
        assert bells.rings == 1
    assert [inform.events for inform in acs.informs] == [(EventStruct("6 CONNECTION REQUEST"),)]
    assert reports == [gateway.last_report]


async def test_rings_while_a_session_is_open_lead_to_one_more_after_it(
    gateway_of: Make, acs: ScriptedAcs, surroundings: Surroundings
) -> None:
    """C-04: several before the session yield one session."""
    from cwmp.messages import GetRPCMethods

    acs.script = [GetRPCMethods()]
    held = asyncio.Event()
    gateway = gateway_of(behaviour=Behaviour(hold=held))
    async with Bells(surroundings).listening(HOST, [gateway], OURS), asyncio.timeout(30):
        first = asyncio.create_task(gateway.session())
        await gateway.until(lambda each: each.holding)
        for _ in range(3):
            assert (await rung(gateway)).result is RingResult.RUNG
        held.set()
        await first
        await gateway.until(lambda each: len(acs.informs) > 1 and not each.in_session)
    assert [inform.events[0].code for inform in acs.informs] == ["2 PERIODIC", "6 CONNECTION REQUEST"]


@pytest.mark.parametrize(
    ("quirks", "factory", "case"),
    [
        ({BellQuirk.THROTTLES}, OURS, (PAIR, RingResult.BUSY)),
        (set(), None, (PAIR, RingResult.BUSY)),
        (set(), OURS, (Pair("acs", "wrong"), RingResult.WRONG_PASSWORD)),
        (set(), OURS, (Pair("other", "open-sesame"), RingResult.WRONG_PASSWORD)),
        (set(), OURS, (None, RingResult.NO_PASSWORD)),
    ],
)
async def test_a_gateway_that_lets_nobody_in_stays_where_it_is(
    gateway_of: Make,
    acs: ScriptedAcs,
    surroundings: Surroundings,
    quirks: Any,
    factory: Any,
    case: tuple[Pair | None, RingResult],
) -> None:
    gateway = gateway_of(behaviour=Behaviour(bell_quirks=frozenset(quirks)))
    async with Bells(surroundings).listening(HOST, [gateway], factory) as bells:
        pair, result = case
        assert (await rung(gateway, pair)).result is result
        assert bells.rings == 0
    assert acs.informs == []


async def test_a_gateway_takes_what_an_acs_has_written_and_keeps_its_url_through_a_factory_reset(
    gateway_of: Make, surroundings: Surroundings
) -> None:
    gateway = gateway_of()
    async with Bells(surroundings).listening(HOST, [gateway], OURS):
        url = gateway.value("ManagementServer.ConnectionRequestURL")
        gateway.model.put("Device.ManagementServer.ConnectionRequestPassword", "new")
        assert (await rung(gateway)).result is RingResult.WRONG_PASSWORD
        assert (await rung(gateway, Pair("acs", "new"))).result is RingResult.RUNG
        gateway.factory_reset()
        assert gateway.value("ManagementServer.ConnectionRequestURL") == url


async def test_a_path_that_is_nobodys_is_not_found(gateway_of: Make, surroundings: Surroundings) -> None:
    gateway = gateway_of()
    async with Bells(surroundings).listening(HOST, [gateway], OURS):
        url = gateway.value("ManagementServer.ConnectionRequestURL")
        stranger = gateway_of()
        stranger.model.fix("ManagementServer.ConnectionRequestURL", url + "x")
        assert await rung(stranger) == Rung(RingResult.ODD_ANSWER, 404)
