"""The inbox of gateways that nobody knows stays bounded, whoever sends Informs with whatever serial numbers.

Informs see to the bound of one address themselves, each time; the bound of all is counted here, and is exceeded by as
many as come between two counts. Who is kept out is answered like everybody, and is asked for nothing.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from acs_bridge.domain.clock import Clock
from acs_bridge.errors import Unavailable
from acs_bridge.store import inbox
from acs_bridge.store.database import Database

_log = structlog.get_logger(__name__)

ROUND_SECONDS: Final = 15.0
ROWS_A_STEP: Final = 1000
KEPT_OF_FULL: Final = 0.9  # room is made for some at a time, by those that were silent for longest


@dataclass(frozen=True, slots=True)
class InboxBounds:
    """How much of it there may be."""

    rows: int
    rows_per_address: int
    days: int  # without an Inform


class Inbox:
    """Keeps it bounded; several daemons do not get into each other's way."""

    def __init__(self, database: Database, clock: Clock, bounds: InboxBounds) -> None:
        self._database = database
        self._clock = clock
        self._bounds = bounds

    async def run(self) -> None:
        """Keep house until cancelled. A database that is away is waited for."""
        while True:
            try:
                await self.tidy()
            except Unavailable as error:
                _log.warning("inbox_put_off", reason=str(error))
            await asyncio.sleep(ROUND_SECONDS)

    async def tidy(self) -> int:
        """Forget who is known by now, who was silent for too long, and who is too much; how many were deleted."""
        database, bounds = self._database, self._bounds
        await inbox.leave(database)
        deleted = 0
        silent_since = self._clock() - timedelta(days=bounds.days)
        while gone := await inbox.forget_silent(database, silent_since, ROWS_A_STEP):
            deleted += gone
        rows = await inbox.count(database)
        await inbox.tell(database, is_full=rows >= bounds.rows, rows_per_address=bounds.rows_per_address)
        surplus = rows - int(bounds.rows * KEPT_OF_FULL) if rows >= bounds.rows else 0
        while surplus > 0 and (gone := await inbox.forget_oldest(database, min(surplus, ROWS_A_STEP))):
            deleted, surplus = deleted + gone, surplus - gone
        if deleted:
            _log.info("inbox_tidied", deleted=deleted, rows=rows)
        return deleted
