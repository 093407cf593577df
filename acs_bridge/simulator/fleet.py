"""Many gateways in one process: who has the next session when, how many at a time, and what came of it.

A fleet sums up and never gives up: a session that fails is counted, and its gateway has its next one as planned. How a
session goes is the gateway's business.
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from acs_bridge.simulator.behaviour import BY_THE_BOOK, Behaviour
from acs_bridge.simulator.gateway import PERIODIC, Credentials, SimulatedGateway
from acs_bridge.simulator.models import TR098, TR181
from acs_bridge.simulator.report import FleetReport
from acs_bridge.simulator.schema import Schema
from acs_bridge.simulator.surroundings import Surroundings
from cwmp.messages import DeviceId

JITTER = 0.1
"""How much earlier or later than planned a periodic session comes, as a part of the interval."""

Wait = Callable[[asyncio.Event, float], Awaitable[None]]


class Roots(StrEnum):
    """Which data models the gateways of a fleet have."""

    DEVICE = "device"
    IGD = "igd"
    BOTH = "both"

    @property
    def schemas(self) -> tuple[Schema, ...]:
        """The data models, which the gateways have in turn."""
        return {Roots.DEVICE: (TR181,), Roots.IGD: (TR098,), Roots.BOTH: (TR181, TR098)}[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetPlan:
    """What the gateways of a fleet are like; their serial numbers are the prefix and a number from 1 on."""

    acs_url: str
    count: int
    credentials: Credentials | None = None
    roots: Roots = Roots.DEVICE
    manufacturer: str = "ACS Bridge"
    oui: str = "00005E"
    product_class: str = "SimGW"
    serial_prefix: str = "SIM"
    behaviour: Behaviour = BY_THE_BOOK

    def gateways(self, surroundings: Surroundings) -> list[SimulatedGateway]:
        """Build the fleet's gateways."""
        schemas = self.roots.schemas
        return [
            SimulatedGateway(
                self.identity(number),
                self.acs_url,
                self.credentials,
                schema=schemas[number % len(schemas)],
                behaviour=self.behaviour,
                surroundings=surroundings,
            )
            for number in range(self.count)
        ]

    def identity(self, number: int) -> DeviceId:
        """Return who the gateway with this number (from 0 on) is."""
        serial_number = f"{self.serial_prefix}{number + 1:06d}"
        return DeviceId(self.manufacturer, self.oui, self.product_class, serial_number)


async def wait_at_most(event: asyncio.Event, seconds: float) -> None:
    """Return when the event is set, or after so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """When gateways have their sessions."""

    concurrency: int = 50
    """How many sessions run at a time, at most."""
    sessions: int | None = 1
    """How many each gateway has; None: until the fleet is stopped."""
    interval: float = 0.0
    """Seconds between two sessions of a gateway; 0: as soon as it is its turn again."""
    events: tuple[str, ...] = PERIODIC


@dataclass(order=True, slots=True)
class _Turn:
    """Who is next: whose time has come, then who has had fewest sessions."""

    due: float
    had: int
    number: int
    gateway: SimulatedGateway = field(compare=False)


class Fleet:
    """Runs the sessions of many gateways, once."""

    def __init__(
        self,
        gateways: Sequence[SimulatedGateway],
        pace: Pace,
        surroundings: Surroundings,
        *,
        wait: Wait = wait_at_most,
    ) -> None:
        """`wait` is how time passes until the next session is due."""
        self.report = FleetReport(gateways=len(gateways))
        self._pace = pace
        self._timer = surroundings.timer
        self._random = surroundings.chance.random
        self._wait = wait
        self._stopping = asyncio.Event()
        self._workers: list[asyncio.Task[None]] = []
        begin = self._timer()
        self._turns = [
            _Turn(begin + self._random() * pace.interval, 0, i, gateway) for i, gateway in enumerate(gateways)
        ]
        heapq.heapify(self._turns)

    @property
    def planned(self) -> int | None:
        """How many sessions there will be in all, where that is known."""
        return None if self._pace.sessions is None else self._pace.sessions * self.report.gateways

    async def run(self) -> FleetReport:
        """Run until every gateway has had its sessions, or the fleet is stopped."""
        begin = self._timer()
        try:
            async with asyncio.TaskGroup() as group:
                count = min(self._pace.concurrency, len(self._turns))
                self._workers = [group.create_task(self._work()) for _ in range(count)]
        finally:
            self.report.seconds = self._timer() - begin
        return self.report

    def stop(self) -> None:
        """Begin no more sessions; asked again, break off those that are under way."""
        if self._stopping.is_set():
            for worker in self._workers:
                worker.cancel()
        self._stopping.set()

    async def _work(self) -> None:
        """Run one session after the other.

        A worker that finds no turn ends: the turns that are out belong to the other workers, one each at most.
        """
        while self._turns and not self._stopping.is_set():
            turn = heapq.heappop(self._turns)
            ahead = turn.due - self._timer()
            if ahead > 0:
                await self._wait(self._stopping, ahead)
            if not self._stopping.is_set():
                self.report.add(await turn.gateway.session(self._pace.events))
                self._plan_next(turn)

    def _plan_next(self, turn: _Turn) -> None:
        turn.had += 1
        if self._pace.sessions is not None and turn.had >= self._pace.sessions:
            return
        jittered = self._pace.interval * (1 + JITTER * (2 * self._random() - 1))
        turn.due = max(turn.due + jittered, self._timer())
        heapq.heappush(self._turns, turn)
