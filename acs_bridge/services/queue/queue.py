"""The queue at a glance, and what holds it back: brakes and the rate.

Counting a million writes and as many gateways takes Postgres 1.4 s on two busy cores, a page of those writes 2 to 5 ms.
So people wait for the counts only where nobody has asked for a while.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from uuid import UUID

from acs_bridge.domain.actor import Actor
from acs_bridge.domain.clock import Clock
from acs_bridge.domain.write import WriteState
from acs_bridge.errors import NotFound
from acs_bridge.services.change import Change
from acs_bridge.services.fresh import Fresh
from acs_bridge.store import queue, reports, spool
from acs_bridge.store.audit import Deed
from acs_bridge.store.database import Database
from acs_bridge.store.queue import Brake, GatewayCounts, SetBrake
from acs_bridge.store.rows import Executor, in_transaction

LINES_SECONDS = 30.0  # how old the counts of lines may be that report, or do not
FRESH_SECONDS = 0.9  # counting may take a moment itself, and an answer is at most one second old
PATIENCE_SECONDS = 0.2  # nobody waits longer for another count where there is one
COUNTING = 0.2  # of the time, at most: a million writes take a moment to count, and are counted every few seconds


@dataclass(frozen=True, slots=True)
class ReportCounts:
    """How many lines stand in which way, and what is still to be handed on."""

    waiting: int
    reporting: int
    silent: int
    spooled: int
    spooled_bytes: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The queue at one moment."""

    counts: dict[WriteState, int]
    oldest_queued_seconds: float | None
    gateways: GatewayCounts
    reports: ReportCounts
    brakes: list[SetBrake]
    writes_per_minute: int | None  # as operators set it
    effective_writes_per_minute: int | None  # as it holds: theirs, else the settings'

    @property
    def held(self) -> "Held":
        """What holds it back."""
        return Held(self.brakes, self.effective_writes_per_minute)

    @property
    def paused(self) -> bool:
        """Tell whether the whole queue is held back."""
        return self.held.paused


@dataclass(frozen=True, slots=True)
class Held:
    """What holds the queue back at this moment."""

    brakes: list[SetBrake]
    writes_per_minute: int | None  # as it holds

    @property
    def paused(self) -> bool:
        """Tell whether the whole queue is held back."""
        return any(not (brake.batch_id or brake.profile or brake.software_version) for brake in self.brakes)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one request, one upload or one rotation has made: a request that was there before keeps its own batch."""

    id: UUID
    created_at: datetime  # of its first write
    writes: int
    counts: dict[WriteState, int]
    paused: bool


class Queue:
    """The queue as a whole."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        writes_per_minute: int | None = None,
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        """`writes_per_minute` is what the settings say; `elapsed` tells how old an overview is."""
        self._database = database
        self._clock = clock
        self._default_rate = writes_per_minute
        self._overview = Fresh(FRESH_SECONDS, self._count, elapsed, COUNTING, patience=PATIENCE_SECONDS)
        # Lines fall silent within hours, and there are many of them: nobody waits for them to be counted again.
        self._lines = Fresh(LINES_SECONDS, lambda: reports.count(database, clock()), elapsed, waits=False)

    async def overview(self) -> Overview:
        """Count everything, at most once in a second however many ask, and less often where that takes long."""
        return await self._overview.get()

    async def held(self) -> Held:
        """Say what holds it back, as an overview does, without counting anything."""
        rate = await queue.rate(self._database)
        return Held(await queue.brakes(self._database), self._default_rate if rate is None else rate)

    async def batch(self, batch_id: UUID) -> Batch:
        """Count what belongs to one batch; NotFound when it has made no write."""
        counted = await queue.batch_counts(self._database, batch_id)
        if not counted:
            raise NotFound("there is no such batch, or it has made no write")
        writes = {count.state: count.writes for count in counted}
        return Batch(
            id=batch_id,
            created_at=min(count.created_at for count in counted),
            writes=sum(writes.values()),
            counts={state: writes.get(state, 0) for state in WriteState},
            paused=await queue.batch_is_braked(self._database, batch_id),
        )

    async def pause(self, brake: Brake, actor: Actor) -> Overview:
        """Hold writes back: all of them, or those that fit everything that the brake names."""
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> None:
            if await queue.pause(connection, brake, change.now, actor.label):
                await change.audit(connection, Deed("queue_paused", detail=_named(brake)))

        return await self._changed(work)

    async def resume(self, brake: Brake, actor: Actor) -> Overview:
        """Take exactly that brake off; one that is not on changes nothing."""
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> None:
            if await queue.resume(connection, brake):
                await change.audit(connection, Deed("queue_resumed", detail=_named(brake)))

        return await self._changed(work)

    async def set_rate(self, writes_per_minute: int | None, actor: Actor) -> Overview:
        """Set the ceiling for all workers together; None: what the settings say."""
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> None:
            await queue.set_rate(connection, writes_per_minute, change.now)
            await change.audit(connection, Deed("rate_changed", detail={"writes_per_minute": writes_per_minute}))

        return await self._changed(work)

    async def _changed(self, work: Callable[[Executor], Awaitable[None]]) -> Overview:
        await in_transaction(self._database, work)
        await self._overview.forget()
        return await self.overview()

    async def _count(self) -> Overview:
        now = self._clock()
        counts = await queue.counts(self._database)
        rate = await queue.rate(self._database)
        return Overview(
            counts={state: counts.writes.get(state, 0) for state in WriteState},
            oldest_queued_seconds=_age(counts.oldest_queued, now),
            gateways=await queue.gateways(self._database, now),
            reports=await self._count_reports(),
            brakes=await queue.brakes(self._database),
            writes_per_minute=rate,
            effective_writes_per_minute=self._default_rate if rate is None else rate,
        )

    async def _count_reports(self) -> ReportCounts:
        lines, spooled = await self._lines.get(), await spool.waiting(self._database)
        waiting, reporting, silent = (lines.get(state, 0) for state in ("waiting", "reporting", "silent"))
        return ReportCounts(waiting, reporting, silent, spooled.reports, spooled.bytes)


def _age(since: datetime | None, now: datetime) -> float | None:
    return None if since is None else max(0.0, (now - since).total_seconds())


def _named(brake: Brake) -> dict[str, object]:
    batch = None if brake.batch_id is None else str(brake.batch_id)
    named = {"batch": batch, "profile": brake.profile, "software_version": brake.software_version}
    return {name: value for name, value in named.items() if value is not None}
