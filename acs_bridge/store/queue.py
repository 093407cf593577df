"""The queue as a whole: its counts, its brakes and its rate."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from acs_bridge.store.rows import Executor, many, row_as
from acs_bridge.store.statements import load

_SQL = load("queue")


@dataclass(frozen=True, slots=True)
class Brake:
    """What is held back: the writes that fit everything that is named; nothing named: the whole queue."""

    batch_id: UUID | None = None
    profile: str | None = None
    software_version: str | None = None


@dataclass(frozen=True, slots=True)
class SetBrake:
    """A brake that is on, since when and by whom."""

    batch_id: UUID | None
    profile: str | None
    software_version: str | None
    set_at: datetime
    set_by: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Writes by state (states without any are absent), and the oldest that is queued."""

    writes: Mapping[str, int]
    oldest_queued: datetime | None


@dataclass(frozen=True, slots=True)
class GatewayCounts:
    """Gateways that have informed."""

    known: int
    unclaimed: int
    overdue: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class Moves:
    """How many writes came into a state in a minute."""

    minute: datetime
    state: str
    moves: int


@dataclass(frozen=True, slots=True)
class FaultCount:
    """How many writes wait for an operator because of one fault; without a code its words are ours."""

    fault: str  # as writes are asked for by it: the code, else the text
    code: int | None
    text: str
    writes: int


async def moves_since(executor: Executor, since: datetime) -> list[Moves]:
    """Count what has moved since the beginning of a minute."""
    return await many(executor, Moves, _SQL.moves_since, since)


async def faults(executor: Executor) -> list[FaultCount]:
    """Count what waits for an operator by its fault, most first."""
    return await many(executor, FaultCount, _SQL.faults)


async def counts(executor: Executor) -> Counts:
    """Count the writes."""
    rows = await executor.fetch(_SQL.counts)
    oldest = (row["oldest_queued"] for row in rows if row["oldest_queued"] is not None)
    return Counts({row["state"]: row["writes"] for row in rows}, min(oldest, default=None))


async def gateways(executor: Executor, now: datetime) -> GatewayCounts:
    """Count the gateways."""
    (row,) = await executor.fetch(_SQL.gateways, now)
    return row_as(GatewayCounts, row)


async def brakes(executor: Executor) -> list[SetBrake]:
    """Say which brakes are on."""
    return await many(executor, SetBrake, _SQL.brakes)


async def pause(executor: Executor, brake: Brake, now: datetime, by: str) -> bool:
    """Set a brake; false when it is on already."""
    named = (brake.batch_id, brake.profile, brake.software_version)
    return await executor.fetchval(_SQL.pause, *named, now, by) is not None


async def resume(executor: Executor, brake: Brake) -> bool:
    """Take a brake off; false when it is not on."""
    named = (brake.batch_id, brake.profile, brake.software_version)
    return await executor.fetchval(_SQL.resume, *named) is not None


async def rate(executor: Executor) -> int | None:
    """Read the ceiling that operators have set."""
    writes_per_minute: int | None = await executor.fetchval(_SQL.rate)
    return writes_per_minute


async def set_rate(executor: Executor, writes_per_minute: int | None, now: datetime) -> None:
    """Set the ceiling, or go back to what the settings say."""
    await executor.execute(_SQL.set_rate, writes_per_minute, now)


@dataclass(frozen=True, slots=True)
class StateCount:
    """The writes of a batch that are in one state."""

    state: str
    writes: int
    created_at: datetime  # of the first of them


async def batch_counts(executor: Executor, batch_id: UUID) -> list[StateCount]:
    """Count the writes of a batch by their state."""
    return await many(executor, StateCount, _SQL.batch_counts, batch_id)


async def batch_is_braked(executor: Executor, batch_id: UUID) -> bool:
    """Tell whether a brake holds the whole batch."""
    return await executor.fetchval(_SQL.batch_is_braked, batch_id) is True
