"""The history of writes as a stream: read from a position, in an order that a late commit cannot break.

A position is a transaction and a number in it. Rows are given only when every transaction up to theirs is over, so that
nothing ever appears before a position that was given out. A transaction that stays open, in any database of the server,
holds the stream up, and loses nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, Self
from uuid import UUID

from acs_bridge.store.rows import Executor, many
from acs_bridge.store.statements import load

_SQL = load("events")

CHANNEL: Final = "acs_bridge_writes"
_LARGEST: Final = 2**63 - 1


class Position(NamedTuple):
    """Where in the stream somebody stands: behind this event."""

    xact: int
    seq: int

    def __str__(self) -> str:
        return f"{self.xact}-{self.seq}"

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `str` made; ValueError for everything else."""
        xact, _, seq = text.partition("-")
        if not all(part.isascii() and part.isdigit() and int(part) <= _LARGEST for part in (xact, seq)):
            raise ValueError("not a position")
        return cls(int(xact), int(seq))


BEGINNING: Final = Position(0, 0)


@dataclass(frozen=True, slots=True)
class EventRow:
    """One move of a write, with what a reader wants to know of the write."""

    xact: int
    seq: int
    write_id: UUID
    move: int
    purpose: str
    association_id: UUID | None
    line_of_service: str | None
    line_key: str | None
    subscriber_code: str | None
    batch_id: UUID
    gateway_id: int | None
    from_state: str | None
    event: str
    to_state: str
    at: datetime
    by: str | None
    attempts: int
    fault_code: int | None

    @property
    def position(self) -> Position:
        """Where somebody stands who has read it."""
        return Position(self.xact, self.seq)


async def safe(executor: Executor) -> Position:
    """Say where the stream stands now."""
    return Position(await executor.fetchval(_SQL.safe), 0)


async def since(executor: Executor, position: Position, limit: int) -> list[EventRow]:
    """Give the next events after a position, in the order of positions."""
    return await many(executor, EventRow, _SQL.since, position.xact, position.seq, limit)


def as_they_happened(page: Sequence[EventRow]) -> Iterator[tuple[EventRow, Position | None]]:
    """Put a page in the order in which it happened: a transaction that began first may have moved a write last.

    With each event comes the position that is reached with it, or None while something before it is still to come.
    """
    places = {row.seq: place for place, row in enumerate(page)}
    furthest = -1
    for count, row in enumerate(sorted(page, key=lambda row: row.seq)):
        furthest = max(furthest, places[row.seq])
        yield row, page[furthest].position if furthest == count else None


async def surroundings(executor: Executor) -> str:
    """Say what is shown beside writes, as a text to compare: brakes, the limit, and which gateway is the newest."""
    seen: str = await executor.fetchval(_SQL.surroundings)
    return seen


async def can_resume(executor: Executor, position: Position) -> bool:
    """Tell whether everything after a position is still there."""
    return bool(await executor.fetchval(_SQL.can_resume, position.xact, position.seq))


async def clean(executor: Executor, before: datetime, limit: int) -> int:
    """Take away events from before a time, at most so many; how many there were."""
    count: int = await executor.fetchval(_SQL.clean, before, limit)
    return count


async def beat(executor: Executor) -> None:
    """Tell every process that listens that writes have moved."""
    await executor.execute(_SQL.beat, CHANNEL)
