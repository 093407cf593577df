"""The operator listener as it is reached: real HTTP on the loopback, a real database, tokens of every role."""

import asyncio
import io
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientTimeout, web
from argon2 import Parameters, Type
from prometheus_client import CollectorRegistry
from yarl import URL

from acs_bridge.domain.actor import Actor, Role
from acs_bridge.domain.keyring import Keyring
from acs_bridge.domain.passwords import Passwords
from acs_bridge.errors import AcsBridgeError
from acs_bridge.services.access.logins import Lifetimes, Logins
from acs_bridge.services.access.users import Users
from acs_bridge.services.intake.repeats import Repeats
from acs_bridge.services.notifications.events import EventFeed
from acs_bridge.services.notifications.posting import Poster, Rules
from acs_bridge.services.notifications.webhooks import Secrets, Webhooks
from acs_bridge.services.pulse import Pulse
from acs_bridge.services.queue.history import History
from acs_bridge.services.records.search import Search
from acs_bridge.services.session.transcripts import Transcripts
from acs_bridge.services.urls.phan import PhanLookup
from acs_bridge.services.urls.rotation import RotationDesk
from acs_bridge.web.operator.application import Services, operator_application
from acs_bridge.web.operator.callers import Callers
from acs_bridge.web.operator.rates import Rates
from acs_bridge.web.operator.server import OperatorRunner
from acs_bridge.web.proxies import Proxies
from tests.services.conftest import Office, keyring, live_profiles, lookup, office, phan_urls, seals

__all__ = ["keyring", "live_profiles", "lookup", "office", "phan_urls", "seals"]

USUAL_RATE = 100_000
STRANGERS = 21
PROXY = "127.0.0.2"
PUBLIC_URL = "https://bss.example.net/acs"
RULES = Rules([ip_network("127.0.0.0/8")], allow_http=True, timeout_seconds=5.0)
QUICK = Passwords(Parameters(Type.ID, 19, 16, 16, time_cost=1, memory_cost=8, parallelism=1))
LIFETIMES = Lifetimes(timedelta(hours=2), timedelta(hours=12))
MAKER = Actor("cli", "test", Role.ADMIN, "")


@dataclass
class Reply:
    """What came back."""

    status: int
    headers: Any
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Api:
    """A caller of one role."""

    session: ClientSession
    base: str
    token: str | None = field(repr=False)

    async def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> Reply:
        """Call; `path` goes out as it stands."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= more.pop("headers", {})
        if body is not None:
            more["data"] = body if isinstance(body, bytes | io.BytesIO) else json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        url = URL(self.base + path, encoded=True)
        async with self.session.request(method, url, headers=headers, **more) as response:
            return Reply(response.status, response.headers, await response.text())

    async def get(self, path: str) -> Reply:
        return await self("GET", path)

    async def post(self, path: str, body: Any = None) -> Reply:
        return await self("POST", path, body)


@dataclass
class Operator:
    """The listener, and what a test needs beside it."""

    base: str
    session: ClientSession
    office: Office
    tokens: dict[Role, str]
    readiness: list[AcsBridgeError]
    feed: EventFeed
    runner: web.AppRunner

    def as_(self, role: Role | None) -> Api:
        return Api(self.session, self.base, None if role is None else self.tokens[role])


@pytest.fixture
async def operator(office: Office, lookup: PhanLookup, keyring: Keyring) -> AsyncIterator[Operator]:
    readiness: list[AcsBridgeError] = []
    poster = Poster(RULES)
    logins = Logins(office.database, office.clock, keyring, os.urandom, LIFETIMES, QUICK)
    pulse = Pulse(office.database)
    feed = EventFeed(office.database, pulse)

    async def check_ready() -> None:
        for error in readiness:
            raise error

    application = operator_application(
        Services(
            subscribers=office.subscribers,
            devices=office.devices,
            gateways=office.gateways,
            stock=office.stock,
            credentials=office.credentials,
            associations=office.associations,
            intake=office.intake,
            bulk=office.bulk,
            writes=office.writes,
            queue=office.queue,
            phan=lookup,
            repeats=Repeats(office.database, office.clock, keyring),
            events=feed,
            doorbell=office.doorbell,
            webhooks=Webhooks(office.database, office.clock, Secrets(keyring), poster, os.urandom),
            transcripts=Transcripts(office.database, office.clock),
            audit=office.audit,
            reloading=office.reloading,
            plans=office.plans,
            undo=office.undo,
            logins=logins,
            search=Search(office.database),
            history=History(office.database, office.clock, count(0, 10).__next__),
            rotation=RotationDesk(Path("phan.keyring"), office.database, office.clock),
            users=Users(office.database, office.clock, os.urandom, QUICK),
        ),
        callers=Callers(
            office.tokens,
            logins,
            Rates(office.clock, USUAL_RATE, STRANGERS),
            Proxies((ip_network(PROXY),)),
            PUBLIC_URL,
        ),
        check_ready=check_ready,
        registry=CollectorRegistry(),
        clock=office.clock,
        on_change=pulse.beat,
    )
    runner = OperatorRunner(application, access_log=None, shutdown_timeout=5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    tokens = {role: await office.tokens.create(role, role, MAKER) for role in Role}
    chores = [asyncio.create_task(chore()) for chore in (pulse.listen, feed.run)]
    async with ClientSession(timeout=ClientTimeout(total=20)) as session, pulse.telling(), poster.open():
        yield Operator(f"http://{host}:{port}", session, office, tokens, readiness, feed, runner)
        await runner.cleanup()
    for chore in chores:
        chore.cancel()
    await asyncio.wait(chores)


@pytest.fixture
def admin(operator: Operator) -> Api:
    return operator.as_(Role.ADMIN)


@pytest.fixture
def intake(operator: Operator) -> Api:
    return operator.as_(Role.INTAKE)
