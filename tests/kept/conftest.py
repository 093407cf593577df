"""A whole site in one process: both listeners of a daemon over real HTTP, a real database, and boxes to plug in."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from yarl import URL

from acs_bridge.domain.actor import Actor, Role
from acs_bridge.domain.keyring import Keyring
from acs_bridge.parts import Parts
from acs_bridge.services.access.tokens import Tokens
from acs_bridge.services.profiles.profiles import load_profiles
from acs_bridge.settings import Settings
from acs_bridge.simulator.behaviour import BY_THE_BOOK, Behaviour
from acs_bridge.simulator.gateway import PERIODIC, SimulatedGateway
from acs_bridge.simulator.report import SessionReport
from acs_bridge.simulator.surroundings import Surroundings
from acs_bridge.store.database import Database
from acs_bridge.web.listener import bind, serving
from cwmp.messages import DeviceId, SetParameterValues
from tests.web.device.conftest import BOOTSTRAP, OUI, settings

PARAMETER = "X_ACSBRIDGE_HomeAnalytics.URL"
PRODUCT_CLASS = "SimGW"
WAITING = "select exists (select from write where finished_at is null and gateway_id is not null)"
MAKER = Actor("cli", "test", Role.ADMIN, "")


def serial(box: str) -> str:
    """The serial number of a box: its label ends with its name."""
    return f"SN00{box}"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the operator listener said."""

    status: int
    json: Any


@dataclass
class Site:
    """Lines, boxes and subscribers go by short names: L1, B1, U1."""

    parts: Parts
    database: Database
    clock: Any
    acs_url: str
    operator_url: str
    session: ClientSession
    token: str = field(repr=False)
    boxes: dict[str, SimulatedGateway] = field(default_factory=dict)
    written: dict[str, list[str]] = field(default_factory=dict)
    """Every value that a box was sent, by its name, oldest first."""

    async def call(self, method: str, path: str, body: Any = None) -> Reply:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        url = URL(self.operator_url + path, encoded=True)
        async with self.session.request(method, url, data=data, headers=headers) as response:
            text = await response.text()
            return Reply(response.status, json.loads(text) if text else None)

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Call, and take nothing but success."""
        reply = await self.call(method, path, body)
        assert reply.status < 300, reply
        return reply.json

    # --- boxes ----------------------------------------------------------------------------------------------------

    def box(self, name: str, *, behaviour: Behaviour = BY_THE_BOOK, **more: Any) -> SimulatedGateway:
        """The box with this serial number, unpacked when it is first named."""
        if name not in self.boxes:
            named = more.pop("oui", OUI), more.pop("product_class", PRODUCT_CLASS), more.pop("serial", serial(name))
            identity = DeviceId("Example", *named)
            surroundings = Surroundings(clock=self.clock, answer_seconds=20)
            self.boxes[name] = SimulatedGateway(
                identity, self.acs_url, BOOTSTRAP, behaviour=behaviour, surroundings=surroundings, **more
            )
        return self.boxes[name]

    async def inform(self, name: str, *events: str) -> SessionReport:
        """One session of a box; what it was sent is kept."""
        box = self.box(name)
        report = await box.session(events or PERIODIC)
        self.note(name)
        return report

    def note(self, name: str, since: int = 0) -> None:
        """Keep what the newest session of a box brought, from its so many-th request on."""
        for request in self.box(name).received[since:]:
            if isinstance(request, SetParameterValues):
                sent = [each.value for each in request.parameters if each.name.endswith(PARAMETER)]
                self.written.setdefault(name, []).extend(sent)

    def holds(self, name: str) -> str:
        """The URL that a box would report to now."""
        return self.box(name).value(PARAMETER)

    async def rest(self, *names: str, rounds: int = 4) -> None:
        """Let an hour pass between sessions, until nobody is asked for anything, and nothing waits for any of them."""
        for _ in range(rounds):
            self.clock.advance(hours=1)
            await self.parts.janitor.sweep()
            served = [(await self.inform(name)).served for name in names]
            if not any(served) and not await self.database.fetchval(WAITING):
                break

    async def gateway_id(self, name: str) -> int:
        number: int = await self.database.fetchval("select id from gateway where serial_number = $1", serial(name))
        return number

    # --- records --------------------------------------------------------------------------------------------------

    async def provision(self, user: str, line: str, box: str | None = None, *, replace: bool = False) -> Any:
        gateway = None if box is None else self.identity(box)
        return await self.ask(
            "POST",
            "/v1/provisioning-requests",
            {
                "subscriber": {"name": f"Name of {user}", "code": user},
                "line_of_service": line,
                "gateway": gateway,
                "replace": replace,
            },
        )

    def identity(self, box: str) -> dict[str, str]:
        return {"oui": OUI, "product_class": PRODUCT_CLASS, "serial_number": serial(box)}

    async def bind(self, line: str, box: str, *, replace: bool = False) -> Any:
        return await self.ask("PUT", f"/v1/devices/{line}/gateway", {**self.identity(box), "replace": replace})

    async def end(self, user: str, line: str) -> None:
        found = await self.ask("GET", f"/v1/associations?subscriber_code={user}&line_of_service={line}&state=active")
        (association,) = found["items"]
        await self.ask("DELETE", f"/v1/associations/{association['id']}")

    async def association(self, line: str) -> Any:
        """The association of a line that is not over; None without one."""
        found = await self.ask("GET", f"/v1/associations?line_of_service={line}&state=active")
        return found["items"][0] if found["items"] else None

    async def url_of(self, line: str) -> str:
        """The PHAN URL of a line; empty where nobody has it."""
        association = await self.association(line)
        if association is None:
            return ""
        revealed = await self.ask("POST", f"/v1/associations/{association['id']}/reveal")
        return str(revealed["phan_url"])

    async def timeline(self, line: str) -> list[Any]:
        association = await self.association(line)
        found = await self.ask("GET", f"/v1/associations/{association['id']}/timeline?limit=200")
        return list(found["items"])

    async def writes(self, line: str) -> list[tuple[str, str, str]]:
        """(purpose, cause, state) of the writes of a line, oldest first."""
        found = await self.ask("GET", f"/v1/writes?line_of_service={line}&limit=200")
        return [(each["purpose"], each["cause"], each["state"]) for each in reversed(found["items"])]

    async def newest(self, line: str) -> Any:
        """The newest write that brings a line its URL, all of it."""
        found = (await self.ask("GET", f"/v1/writes?line_of_service={line}&limit=200"))["items"]
        return next(each for each in found if each["purpose"] == "provision")


@pytest.fixture
def configured() -> Settings:
    """What the daemon of a test is made with; a test module may say otherwise."""
    return settings()


@pytest.fixture
def profiles() -> Path | None:
    """A folder of profiles beside the packaged ones."""
    return None


@pytest.fixture
async def site(database: Database, clock: Any, configured: Settings, profiles: Path | None) -> AsyncIterator[Site]:
    folders = () if profiles is None else (profiles,)
    parts = Parts(configured, database, Keyring.new(clock()), load_profiles(folders), clock)
    device, operator = bind("device", "127.0.0.1", 0), bind("operator", "127.0.0.1", 0)
    runner = parts.operator_runner(operator.local_url)
    async with serving(device, parts.device_runner()), serving(operator, runner), ClientSession() as session:
        token = await Tokens(database, clock).create("test", Role.ADMIN, MAKER)
        yield Site(parts, database, clock, f"{device.local_url}/acs", operator.local_url, session, token)


async def held(box: SimulatedGateway, task: "asyncio.Task[Any]") -> None:
    """Wait until a box holds a request back, or its session is over."""
    waiting = asyncio.create_task(box.until(lambda each: each.holding))
    await asyncio.wait({waiting, task}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
