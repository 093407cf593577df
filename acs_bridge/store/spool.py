"""The spool: reports that were taken and are still to be handed on.

It is in Postgres and not in files of each worker: the statement that decides whether a URL counts keeps the report too,
any daemon hands on what any worker took, also one whose host is gone, and there is nothing more to mount and to back
up. A report costs its compressed bytes twice (log and table), which is what `spool_bytes` bounds; their sum is kept in
64 rows, of which a transaction locks one, last.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from acs_bridge.store.rows import Executor, many, one
from acs_bridge.store.statements import load

_SQL = load("spool")


@dataclass(frozen=True, slots=True)
class Spooled:
    """A report that is ours to hand on for a while; what it is from is as it was when it came."""

    n: int
    id: UUID
    association_id: UUID
    line_of_service: str
    generation: int
    gateway_id: int | None
    oui: str | None
    product_class: str | None
    serial_number: str | None
    received_at: datetime
    content_type: str
    report_format: str
    unread: str | None
    body: bytes = field(repr=False)  # zlib
    refused: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much waits."""

    reports: int
    bytes: int
    oldest: datetime | None


async def claim(executor: Executor, now: datetime, until: datetime, most: int, size: int) -> list[Spooled]:
    """Take the oldest that nobody has, at most so many and so many bytes (and always one)."""
    found = await many(executor, Spooled, _SQL.claim, now, until, most, size)
    return sorted(found, key=lambda spooled: spooled.n)


async def done(executor: Executor, spooled: Sequence[Spooled]) -> None:
    """Forget what was handed on, or is given up."""
    await executor.execute(_SQL.done, [each.n for each in spooled])


async def free(executor: Executor, spooled: Sequence[Spooled]) -> None:
    """Let others have them."""
    await executor.execute(_SQL.free, [each.n for each in spooled])


async def refused(executor: Executor, spooled: Sequence[Spooled], until: datetime) -> None:
    """Write down that their receiver would not have them; they rest until then."""
    await executor.execute(_SQL.refused, [each.n for each in spooled], until)


async def waiting(executor: Executor) -> Waiting:
    """Count what waits."""
    return await one(executor, Waiting, _SQL.waiting) or Waiting(0, 0, None)


async def clean(executor: Executor, before: datetime, limit: int) -> int:
    """Take away what came before a time, at most so many; how many there were."""
    count: int = await executor.fetchval(_SQL.clean, before, limit)
    return count
