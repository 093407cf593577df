"""A scripted ACS that listens, and gateways that know where."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web

from acs_bridge.simulator.gateway import Credentials, SimulatedGateway
from acs_bridge.simulator.surroundings import Surroundings
from cwmp.digest import Authorization, Challenge, ha1, verify
from cwmp.messages import DeviceId
from tests.simulator.acs import ScriptedAcs

IDENTITY = DeviceId("Example Networks", "00005E", "GW-1", "S0001")
CREDENTIALS = Credentials("bootstrap", "let-me-in")
REALM = "acs"


@pytest.fixture
async def acs() -> AsyncIterator[ScriptedAcs]:
    async with ScriptedAcs().listening() as listening:
        yield listening


@pytest.fixture
def surroundings(clock: Any) -> Surroundings:
    return Surroundings(clock=clock, answer_seconds=10)


@pytest.fixture
def gateway_of(acs: ScriptedAcs, surroundings: Surroundings) -> Callable[..., SimulatedGateway]:
    def make(**options: Any) -> SimulatedGateway:
        return SimulatedGateway(
            options.pop("identity", IDENTITY),
            options.pop("url", acs.url),
            options.pop("credentials", CREDENTIALS),
            **{"surroundings": surroundings, **options},
        )

    return make


@pytest.fixture
def gateway(gateway_of: Callable[..., SimulatedGateway]) -> SimulatedGateway:
    return gateway_of()


@dataclass
class DigestDoor:
    """Lets in whoever knows the password, and each count of a nonce once."""

    challenge: Challenge
    used: set[tuple[str, str | None, str | None]]

    def __call__(self, request: web.Request) -> web.Response | None:
        shown = Authorization.parse(request.headers.get("Authorization", ""))
        if shown is not None and self.admits(shown, request):
            self.used.add((shown.nonce, shown.cnonce, shown.nc))
            return None
        return web.Response(status=401, headers={"WWW-Authenticate": self.challenge.render()})

    def admits(self, shown: Authorization, request: web.Request) -> bool:
        if shown.nonce != self.challenge.nonce or (shown.nonce, shown.cnonce, shown.nc) in self.used:
            return False
        secret = ha1(CREDENTIALS.username, REALM, CREDENTIALS.password, self.challenge.algorithm)
        return verify(shown, secret, method=request.method, target=request.path_qs, realm=REALM)


@pytest.fixture
def door(acs: ScriptedAcs) -> DigestDoor:
    acs.challenge = door = DigestDoor(Challenge(REALM, "nonce-1"), set())
    return door
