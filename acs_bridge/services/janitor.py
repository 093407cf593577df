"""What nobody else would do: requests that no gateway answers are let go of, and logins that are over forgotten."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import structlog

from acs_bridge.domain.clock import Clock
from acs_bridge.errors import Unavailable
from acs_bridge.store.sessions import Sessions

_log = structlog.get_logger(__name__)

SWEEP_SECONDS: Final = 5.0
ROWS_A_SWEEP: Final = 1000
LOGINS_KEPT: Final = timedelta(seconds=120)  # well over the life of a nonce, and what clocks differ


class Janitor:
    """Sweeps from time to time; several janitors do not get into each other's way."""

    def __init__(self, sessions: Sessions, clock: Clock, on_change: Callable[[], None]) -> None:
        """`on_change` hears of every sweep that moved a write."""
        self._sessions = sessions
        self._clock = clock
        self._on_change = on_change

    async def run(self) -> None:
        """Sweep until cancelled. A database that is away is waited for."""
        while True:
            try:
                await self.sweep()
            except Unavailable as error:
                _log.warning("sweep_put_off", reason=str(error))
            await asyncio.sleep(SWEEP_SECONDS)

    async def sweep(self) -> int:
        """Let go of every request whose lease is over; how many there were."""
        await self._sessions.forget_logins(self._clock() - LOGINS_KEPT)
        total = 0
        while swept := await self._sessions.expire_leases(self._clock(), ROWS_A_SWEEP):
            total += swept
        if total:
            _log.info("leases_expired", writes=total)
            self._on_change()
        return total
