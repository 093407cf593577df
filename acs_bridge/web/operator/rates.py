"""How many requests a token may make: so many in each minute that begins with the first of them.

Counted in this process, which serves all operators; a restart forgets it. What a caller has left stands in every answer
(RateLimit-Limit, -Remaining and -Reset as in draft-polli-ratelimit-headers). An upload and a stream of events are one
request each: how fast they go is for back-pressure to say.

Calls without a valid token are counted by the address that they come from. Where there are too many the next ones get
429, those without any token without a look at anything, and tokens from there are looked up a few at a time: one that
counts is never refused for what others do at its address.
"""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from aiohttp import web

from acs_bridge.domain import networks
from acs_bridge.domain.actor import Actor
from acs_bridge.domain.clock import Clock
from acs_bridge.errors import TooMany, Unauthenticated

_log = structlog.get_logger(__name__)

WINDOW: Final = timedelta(seconds=60)
MOST_ADDRESSES: Final = 4096
LOOKED_UP_AT_ONCE: Final = 2


@dataclass(frozen=True, slots=True)
class Standing:
    """What a caller has left."""

    limit: int
    remaining: int
    reset: int  # seconds until all of it is there again
    is_over: bool = False  # there was nothing left

    def check(self) -> None:
        """Raise TooManyRequests when there was nothing left."""
        if self.is_over:
            raise TooManyRequests(self.limit, self.reset)

    @property
    def headers(self) -> dict[str, str]:
        """How an answer says it."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }


STANDING: Final = web.RequestKey("standing", Standing)


class TooManyRequests(TooMany):
    """A caller has none left."""

    def __init__(self, limit: int, retry_after: int) -> None:
        """Say how many are taken, and when the next is."""
        super().__init__(f"this token may make {limit} requests a minute; come again in {retry_after} s", retry_after)


class TooManyStrangers(TooMany):
    """Too many calls without a valid token came from an address."""

    def __init__(self, limit: int, retry_after: int) -> None:
        """Say what does not count for it."""
        super().__init__(
            f"more than {limit} calls without a valid token came from this address in a minute: come again in "
            f"{retry_after} s, or with a token that counts",
            retry_after,
        )


@dataclass(slots=True)
class _Window:
    begun: datetime
    count: int = 0

    def left(self, now: datetime) -> int:
        """How many seconds it goes on for, at least one; 0 when it is over."""
        if not self.begun <= now < self.begun + WINDOW:
            return 0
        return max(1, math.ceil((self.begun + WINDOW - now).total_seconds()))


class Strangers:
    """Who called from where without a valid token, in the minutes that are under way; of so many addresses at most."""

    def __init__(self, clock: Clock, calls_per_minute: int) -> None:
        """`calls_per_minute` without a valid token are answered each as it deserves."""
        self._clock = clock
        self._most = calls_per_minute
        self._windows: dict[str, _Window] = {}
        self._turns = asyncio.Semaphore(LOOKED_UP_AT_ONCE)

    @asynccontextmanager
    async def knocking(self, address: str) -> AsyncIterator[None]:
        """Look at what a caller shows; TooManyStrangers, instead of Unauthenticated, where too many did not count."""
        site = networks.site(address)
        window = self._windows.get(site)
        is_crowded = window is not None and window.count > self._most and window.left(self._clock()) > 0
        try:
            if is_crowded:
                async with self._turns:
                    yield
            else:
                yield
        except Unauthenticated:
            self._count(site)
            raise

    def _count(self, site: str) -> None:
        now = self._clock()
        window = self._windows.get(site)
        if window is None or not window.left(now):
            self._windows.pop(site, None)
            if len(self._windows) >= MOST_ADDRESSES:
                del self._windows[next(iter(self._windows))]  # the one that began first
            window = self._windows[site] = _Window(now)
        window.count += 1
        if window.count == self._most + 1:
            _log.warning("strangers_turned_away", address=site, calls_per_minute=self._most)
        if window.count > self._most:
            raise TooManyStrangers(self._most, window.left(now)) from None


class Rates:
    """The minutes that are under way; one for each token that is used."""

    def __init__(self, clock: Clock, requests_per_minute: int, strangers_per_minute: int) -> None:
        """`requests_per_minute` is for callers without a limit of their own; see Strangers for the other one."""
        self._clock = clock
        self._usual = requests_per_minute
        self.strangers = Strangers(clock, strangers_per_minute)
        self._windows: dict[str, _Window] = {}

    def take(self, request: web.Request, actor: Actor) -> None:
        """Count a request of this caller and note what it has left; TooManyRequests when that is nothing."""
        standing = request[STANDING] = self.count(actor)
        standing.check()

    def count(self, actor: Actor) -> Standing:
        """Count a request of this caller."""
        now, label = self._clock(), actor.label
        window = self._windows.get(label)
        left = 0 if window is None else window.left(now)
        if window is None or not left:
            window = self._windows[label] = _Window(now)
            left = window.left(now)
        limit = actor.requests_per_minute or self._usual
        window.count += 1
        return Standing(limit, max(0, limit - window.count), left, window.count > limit)


async def tell(request: web.Request, response: web.StreamResponse) -> None:
    """Put what a caller has left into the head of an answer, also of one that streams."""
    standing = request.get(STANDING)
    if standing is not None:
        response.headers.update(standing.headers)
