"""What the queue has done in the last hour, minute by minute, and which faults stand in its way.

Minutes that are over are read once: asked again is only what may have changed. A move that commits late is found for
as long as GRACE.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from acs_bridge.domain.clock import Clock
from acs_bridge.domain.write import WriteState
from acs_bridge.services.fresh import Fresh
from acs_bridge.store import queue
from acs_bridge.store.database import Database
from acs_bridge.store.queue import FaultCount

MINUTES: Final = 60
MINUTE: Final = timedelta(minutes=1)
GRACE: Final = timedelta(minutes=2)
FRESH_SECONDS: Final = 0.9


@dataclass(frozen=True, slots=True)
class Hour:
    """How many writes have come into each state, in each minute; the last one is not over."""

    begins_at: datetime
    moves: dict[WriteState, list[int]]

    def total(self, state: WriteState) -> int:
        """How many in all of it."""
        return sum(self.moves[state])


class History:
    """The last hour."""

    def __init__(self, database: Database, clock: Clock, elapsed: Callable[[], float] = monotonic) -> None:
        """`elapsed` tells how old an answer is."""
        self._database = database
        self._clock = clock
        self._known: dict[tuple[datetime, str], int] = {}
        self._read_to: datetime | None = None
        self._hour = Fresh(FRESH_SECONDS, self._read, elapsed)
        self._faults = Fresh(FRESH_SECONDS, self._count_faults, elapsed)

    async def hour(self) -> Hour:
        """Say what it was like."""
        return await self._hour.get()

    async def faults(self) -> list[FaultCount]:
        """Count the writes that wait for an operator by their fault, most first."""
        return await self._faults.get()

    async def forget(self) -> None:
        """Count the faults anew: somebody has done something about them."""
        await self._faults.forget()

    async def _count_faults(self) -> list[FaultCount]:
        return await queue.faults(self._database)

    async def _read(self) -> Hour:
        now = self._clock().replace(second=0, microsecond=0)
        begins_at = now - (MINUTES - 1) * MINUTE
        since = begins_at if self._read_to is None else max(begins_at, self._read_to - GRACE)
        found = await queue.moves_since(self._database, since)
        kept = {key: count for key, count in self._known.items() if begins_at <= key[0] < since}
        self._known = {**kept, **{(each.minute, each.state): each.moves for each in found}}
        self._read_to = now
        minutes = [begins_at + number * MINUTE for number in range(MINUTES)]
        return Hour(begins_at, {state: [self._known.get((each, state), 0) for each in minutes] for state in WriteState})
