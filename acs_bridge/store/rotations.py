"""Rotations of the keys of PHAN URLs: which lines are still to be written again, and how far that is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from acs_bridge.store.rows import Executor, many, one
from acs_bridge.store.statements import load

_SQL: Final = load("rotations")


@dataclass(frozen=True, slots=True)
class RotationRow:
    """A rotation, and how it stands."""

    id: UUID  # also the batch of its writes
    key_id: str
    lines: int  # that had a URL of another key when it began
    per_minute: int
    started_at: datetime
    started_by: str
    finished_at: datetime | None
    waiting: int  # lines that still have a URL of another key
    under_way: int  # lines whose new URL is not verified yet
    unsuccessful: int  # of those: the write was rejected, or failed
    former_keys: list[str] | None  # that open what they sealed
    paused: bool

    @property
    def done(self) -> int:
        """Lines that need nothing more: their URL of the current key is verified, or they are over."""
        return max(0, self.lines - self.waiting - self.under_way)


@dataclass(frozen=True, slots=True)
class Turn:
    """How much of a rotation may be done now."""

    id: UUID
    started_by: str
    lines: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A line whose URL is of a former key."""

    id: UUID  # of its association
    line_key: str


async def begin(executor: Executor, rotation_id: UUID, key_id: str, per_minute: int, now: datetime, by: str) -> None:
    """Begin a rotation to a key, which is the current one by now."""
    await executor.execute(_SQL.begin, rotation_id, key_id, per_minute, now, by)


async def set_rate(executor: Executor, per_minute: int) -> None:
    """Say how fast lines are written again in the rotation that is under way."""
    await executor.execute(_SQL.set_rate, per_minute)


async def newest(executor: Executor) -> RotationRow | None:
    """Show the rotation that is under way, or the last one."""
    return await one(executor, RotationRow, _SQL.newest)


async def claim(executor: Executor, now: datetime, most: int) -> Turn | None:
    """Say how many lines may be written again now; None where nothing is to be done."""
    return await one(executor, Turn, _SQL.claim, now, most)


async def to_turn(executor: Executor, after: UUID | None, limit: int) -> list[Candidate]:
    """Find lines whose URL is of a former key, and whose write is not under way."""
    return await many(executor, Candidate, _SQL.to_turn, after, limit)


async def fence(executor: Executor, association_id: UUID) -> int | None:
    """End what a session may know of a line's waiting write; the gateway, None where no write waits for one."""
    gateway_id: int | None = await executor.fetchval(_SQL.fence, association_id)
    return gateway_id


async def await_associations(executor: Executor) -> None:
    """Wait for whoever is changing associations: what they do is seen by what follows in this transaction."""
    await executor.execute(_SQL.await_associations)


async def is_over(executor: Executor) -> bool:
    """Tell whether every line has a verified URL of the current key."""
    return await executor.fetchval(_SQL.is_over) is True


async def end(executor: Executor, now: datetime) -> UUID | None:
    """End the rotation that is under way."""
    rotation_id: UUID | None = await executor.fetchval(_SQL.end, now)
    return rotation_id
