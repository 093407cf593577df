"""The stream of events for whoever follows it: one reader of the database, however many they are.

What was read last is kept once for all followers; each of them only has a position, and asks for what comes after it.
One that is too slow, or comes back after a while, finds what it missed in the database, page by page at its own pace:
it costs a page of memory and never holds anybody else up.
"""

import asyncio
from bisect import bisect_right
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import structlog

from acs_bridge.errors import TooMany, Unavailable
from acs_bridge.services.pulse import Pulse
from acs_bridge.store import events
from acs_bridge.store.database import Database
from acs_bridge.store.events import EventRow, Position

_log = structlog.get_logger(__name__)

KEPT: Final = 5000
PAGE: Final = 500
LOOK_SECONDS: Final = 1.0  # without any notice
PAUSE_SECONDS: Final = 0.1  # between two looks, however many notices come
READERS_OF_THE_PAST: Final = 2
MOST_FOLLOWERS: Final = 500
MOST_OF_ONE: Final = 50
FULL_SECONDS: Final = 5


class TooManyFollowers(Unavailable):
    """The daemon carries so many streams already."""

    title = "Too many follow the stream of events already"


class TooManyOfOne(TooMany):
    """A caller has so many streams already."""

    title = "Too many streams of events"

    def __init__(self) -> None:
        """Say how many it may have."""
        super().__init__(
            f"this token follows the events {MOST_OF_ONE} times already: close a stream, or share one", FULL_SECONDS
        )


class EventFeed:
    """What moves, as it moves."""

    def __init__(self, database: Database, pulse: Pulse, *, kept: int = KEPT) -> None:
        """`kept` events, the newest ones, are in memory while anybody follows."""
        self._database = database
        self._pulse = pulse
        self._kept = kept
        self._followers: Counter[str] = Counter()
        self._wanted = asyncio.Event()
        self._news = asyncio.Event()
        self._closed = asyncio.Event()
        self._past = asyncio.Semaphore(READERS_OF_THE_PAST)
        self._since: Position | None = None  # all that came after it is in `_recent`; None: nobody has read
        self._recent: list[EventRow] = []
        self._around: str | None = None  # what stands beside writes, as of the last look
        self._look_at = 0.0
        self._turns = 0

    @property
    def turns(self) -> int:
        """How often something else has changed: a brake, the limit, or that a gateway came."""
        return self._turns

    @property
    def followers(self) -> int:
        """How many follow."""
        return self._followers.total()

    @property
    def is_closed(self) -> bool:
        """Whether the daemon ends."""
        return self._closed.is_set()

    def close(self) -> None:
        """Let every follower go."""
        self._closed.set()
        self._tell()

    @asynccontextmanager
    async def followed(self, by: str) -> AsyncIterator[None]:
        """Read for somebody while the block runs. TooManyOfOne: this one has enough; TooManyFollowers: all together."""
        if self._followers[by] >= MOST_OF_ONE:
            raise TooManyOfOne
        if self.followers >= MOST_FOLLOWERS:
            raise TooManyFollowers
        self._followers[by] += 1
        self._wanted.set()
        try:
            yield
        finally:
            self._followers[by] -= 1
            if not self._followers[by]:
                del self._followers[by]
            if not self._followers:
                self._wanted.clear()
                self._since, self._recent, self._around = None, [], None

    async def now(self) -> Position:
        """Say where somebody stands who wants to know only what comes."""
        return await events.safe(self._database)

    async def can_resume(self, position: Position) -> bool:
        """Tell whether somebody who stood there has missed nothing that is gone."""
        return await events.can_resume(self._database, position)

    async def after(self, position: Position, seconds: float) -> tuple[Sequence[EventRow], Position]:
        """Give what comes after a position, at most a page, and the position behind it.

        Nothing, when nothing came in so many seconds, something else has changed, or the daemon ends.
        """
        deadline, turns = asyncio.get_running_loop().time() + seconds, self._turns
        while not self.is_closed:
            since, news = self._since, self._news
            if since is None:
                page: Sequence[EventRow] = ()
            elif position >= since:
                page = self._page(position)
            else:
                async with self._past:
                    page = await events.since(self._database, position, PAGE)
                if not page:
                    position = since  # there is nothing up to there, and all that comes after it is in memory
                    continue
            if page:
                return page, page[-1].position
            if self._turns != turns or not await _told(news, deadline):
                break
        return (), position

    def _page(self, position: Position) -> Sequence[EventRow]:
        """Look up what is kept in memory."""
        first = bisect_right(self._recent, position, key=lambda row: row.position)
        return self._recent[first : first + PAGE]

    async def run(self) -> None:
        """Read while anybody follows, until cancelled. A database that is away is waited for."""
        while True:
            await self._wanted.wait()
            beats = self._pulse.beats
            try:
                await self._look_around()
                more = await self._read()
            except Unavailable as error:
                _log.warning("events_put_off", reason=str(error))
                await asyncio.sleep(LOOK_SECONDS)
                continue
            if not more:
                await asyncio.sleep(PAUSE_SECONDS)
                await self._pulse.after(beats, LOOK_SECONDS)

    async def _read(self) -> bool:
        """Take in the next page; whether there is more."""
        since, recent = self._since, self._recent
        if since is None:
            since = await events.safe(self._database)
        newest = recent[-1].position if recent else since
        page = await events.since(self._database, newest, PAGE)
        if not self._followers or self._recent is not recent:
            return False  # everybody has gone meanwhile
        recent += page
        if len(recent) > 2 * self._kept:
            since = recent[-self._kept - 1].position
            del recent[: -self._kept]
        is_first, self._since = self._since is None, since
        if page or is_first:
            self._tell()
        return len(page) == PAGE

    async def _look_around(self) -> None:
        """See once a second whether something else has changed that people look at."""
        now = asyncio.get_running_loop().time()
        if self._around is not None and now < self._look_at:
            return
        self._look_at = now + LOOK_SECONDS
        seen, before = await events.surroundings(self._database), self._around
        if not self._followers:
            return
        self._around = seen
        if before is not None and seen != before:
            self._turns += 1
            self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


async def _told(news: asyncio.Event, deadline: float) -> bool:
    try:
        async with asyncio.timeout_at(deadline):
            await news.wait()
    except TimeoutError:
        return False
    return True
