"""How many requests a token may make: so many in each minute that begins with the first of them.

Counted in this process, which serves all operators; a restart forgets it. What a caller has left stands in every answer
(RateLimit-Limit, -Remaining and -Reset as in draft-polli-ratelimit-headers). An upload and a stream of events are one
request each: how fast they go is for back-pressure to say.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from aiohttp import web

from acs_bridge.domain.actor import Actor
from acs_bridge.domain.clock import Clock
from acs_bridge.errors import AcsBridgeError

WINDOW: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a caller has left."""

    limit: int
    remaining: int
    reset: int  # seconds until all of it is there again

    @property
    def headers(self) -> dict[str, str]:
        """How an answer says it."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }


STANDING: Final = web.RequestKey("standing", Standing)


class TooManyRequests(AcsBridgeError):
    """A caller has none left."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    title = "Too many requests"

    def __init__(self, limit: int, retry_after: int) -> None:
        """Say how many are taken, and when the next is."""
        super().__init__(f"this token may make {limit} requests a minute; come again in {retry_after} s")
        self.retry_after = retry_after


@dataclass(slots=True)
class _Window:
    begun: datetime
    count: int = 0


class Rates:
    """The minutes that are under way; one for each token that is used."""

    def __init__(self, clock: Clock, requests_per_minute: int) -> None:
        """`requests_per_minute` is for callers without a limit of their own."""
        self._clock = clock
        self._usual = requests_per_minute
        self._windows: dict[str, _Window] = {}

    def take(self, request: web.Request, actor: Actor) -> None:
        """Count a request of this caller and note what it has left; TooManyRequests when that is nothing."""
        now = self._clock()
        window = self._windows.get(actor.label)
        if window is None or not window.begun <= now < window.begun + WINDOW:
            window = self._windows[actor.label] = _Window(now)
        limit = actor.requests_per_minute or self._usual
        reset = max(1, math.ceil((window.begun + WINDOW - now).total_seconds()))
        window.count += 1
        request[STANDING] = Standing(limit, max(0, limit - window.count), reset)
        if window.count > limit:
            raise TooManyRequests(limit, reset)


async def tell(request: web.Request, response: web.StreamResponse) -> None:
    """Put what a caller has left into the head of an answer, also of one that streams."""
    standing = request.get(STANDING)
    if standing is not None:
        response.headers.update(standing.headers)
