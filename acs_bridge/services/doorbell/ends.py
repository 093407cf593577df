"""Sessions that are over: a gateway that was in one when a write was queued is rung once more, soon after its end.

A session notes its end in memory, which costs it no statement; once a second the ends are told to Postgres together,
which knows where that matters. What a killed worker had not told yet costs its gateways the second ring, no more.
"""

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from acs_bridge.domain.clock import Clock
from acs_bridge.errors import Unavailable
from acs_bridge.store.rings import Rings, SessionEnd

_log = structlog.get_logger(__name__)

TELL_SECONDS: Final = 1.0
ENCORE: Final = timedelta(seconds=5)
"""How long after its session a gateway is rung once more: one that was rung in its session comes by itself before."""
MOST_KEPT: Final = 10_000


class SessionEnds:
    """The ends of one process."""

    def __init__(self, rings: Rings, clock: Clock) -> None:
        self._rings = rings
        self._clock = clock
        self._ended: dict[int, SessionEnd] = {}

    def note(self, gateway_id: int, session_number: int) -> None:
        """A session is over. While the database is away only so many are kept: this is a courtesy."""
        if len(self._ended) < MOST_KEPT:
            self._ended[gateway_id] = SessionEnd(gateway_id, session_number, self._clock())

    async def run(self) -> None:
        """Tell them until cancelled."""
        while True:
            await asyncio.sleep(TELL_SECONDS)
            try:
                await self.tell()
            except Unavailable as error:
                _log.warning("session_ends_not_told", reason=str(error))

    async def tell(self) -> int:
        """Tell the ends since the last time; how many gateways are rung once more."""
        if not self._ended:
            return 0
        ended, self._ended = self._ended, {}
        return await self._rings.sessions_ended(list(ended.values()), ENCORE)
