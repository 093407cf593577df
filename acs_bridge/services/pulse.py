"""The pulse: a wake-up for whoever waits for writes to move, here and on every other host.

Sessions and intake tell nobody; they only say `beat`. At most ten times a second somebody outside of them passes that
on, as one notice for everything. Nothing depends on a notice that arrives: those who wait also look now and then.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from acs_bridge.errors import Unavailable
from acs_bridge.store import events
from acs_bridge.store.database import Database

_log = structlog.get_logger(__name__)

NOTICE_SECONDS: Final = 0.1
AGAIN_SECONDS: Final = 5.0


class Pulse:
    """Heard and passed on by one process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._moved = asyncio.Event()
        self._heard = asyncio.Event()
        self._beats = 0

    def beat(self) -> None:
        """Say that this process has moved a write; costs nothing, and may be said as often as one likes."""
        self._moved.set()

    @property
    def beats(self) -> int:
        """How many were heard: what `after` waits to grow."""
        return self._beats

    async def after(self, beats: int, seconds: float) -> None:
        """Return when more beats than these were heard, or after so many seconds."""
        if self._beats > beats:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._heard.wait()
        except TimeoutError:
            return

    def hear(self) -> None:
        """Wake those who wait."""
        self._beats += 1
        self._heard.set()
        self._heard = asyncio.Event()

    @asynccontextmanager
    async def telling(self) -> AsyncIterator[None]:
        """Pass on what this process says while the block runs."""
        task = asyncio.create_task(self._tell())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait((task,))

    async def _tell(self) -> None:
        while True:
            await self._moved.wait()
            self._moved.clear()
            self.hear()
            try:
                await events.beat(self._database)
            except Unavailable as error:
                _log.debug("notice_lost", reason=str(error))
            await asyncio.sleep(NOTICE_SECONDS)

    async def listen(self) -> None:
        """Hear what other processes say, until cancelled."""
        while True:
            try:
                async with self._database.listening(events.CHANNEL, self.hear) as ended:
                    await ended.wait()
            except Unavailable as error:
                _log.debug("cannot_listen", reason=str(error))
            await asyncio.sleep(AGAIN_SECONDS)
