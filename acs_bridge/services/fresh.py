"""What takes a while to find out, and many ask for: found out once for all of them, and again when it is old."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from math import inf
from time import monotonic
from typing import Generic, TypeVar

from acs_bridge.errors import AcsBridgeError

T = TypeVar("T")


class Fresh(Generic[T]):
    """The newest answer, no older than so many seconds when it is given, unless it takes long to find out.

    With `waits=False` only who asks first waits: an answer that is older is given once more, and the next one is found
    out meanwhile; what fails then is tried again when somebody asks. With a `patience` the same holds for what took
    longer than that to find out, as long as the answer is not older than twice the time that it is meant to be.
    """

    def __init__(
        self,
        seconds: float,
        find_out: Callable[[], Awaitable[T]],
        elapsed: Callable[[], float] = monotonic,
        share: float = 1.0,
        *,
        waits: bool = True,
        patience: float = inf,
    ) -> None:
        """`elapsed` tells how old an answer is, in seconds; finding out takes no more than that share of the time.

        `patience`: how long somebody waits for another answer where there is one, in seconds.
        """
        self._seconds = self._at_least = seconds
        self._share = share
        self._find_out = find_out
        self._elapsed = elapsed
        self._asking = asyncio.Lock()
        self._latest: tuple[float, T] | None = None
        self._waits = waits
        self._patience = patience
        self._took = 0.0
        self._meanwhile: asyncio.Task[None] | None = None

    async def get(self) -> T:
        """Give it; whoever asks while it is being found out waits for the same answer."""
        if self._latest is None:
            return await self._newest()
        age = self._elapsed() - self._latest[0]
        if self._waits and (self._took <= self._patience or age >= 2 * self._seconds):
            return await self._newest()
        if age >= self._seconds and self._meanwhile is None:
            self._meanwhile = asyncio.create_task(self._renew())
        return self._latest[1]

    async def _renew(self) -> None:
        try:
            with suppress(AcsBridgeError):
                await self._newest()
        finally:
            self._meanwhile = None

    async def _newest(self) -> T:
        asked = self._elapsed()
        async with self._asking:
            if self._latest is not None and asked - self._latest[0] < self._seconds:
                return self._latest[1]
            begun, clock = self._elapsed(), asyncio.get_running_loop().time
            started = clock()
            answer = await self._find_out()
            self._took = clock() - started
            self._seconds = max(self._at_least, self._took / self._share)
            self._latest = (begun, answer)
            return answer

    async def forget(self) -> None:
        """Find it out anew; an answer that is under way may be from before now."""
        async with self._asking:
            self._latest = None
