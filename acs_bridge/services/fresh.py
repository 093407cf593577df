"""What takes a while to find out, and many ask for: found out once for all of them, and again when it is old."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")


class Fresh(Generic[T]):
    """The newest answer, no older than so many seconds when it is given."""

    def __init__(
        self, seconds: float, find_out: Callable[[], Awaitable[T]], elapsed: Callable[[], float] = monotonic
    ) -> None:
        """`elapsed` tells how old an answer is, in seconds."""
        self._seconds = seconds
        self._find_out = find_out
        self._elapsed = elapsed
        self._asking = asyncio.Lock()
        self._latest: tuple[float, T] | None = None

    async def get(self) -> T:
        """Give it; whoever asks while it is being found out waits for the same answer."""
        asked = self._elapsed()
        async with self._asking:
            if self._latest is not None and asked - self._latest[0] < self._seconds:
                return self._latest[1]
            begun = self._elapsed()
            answer = await self._find_out()
            self._latest = (begun, answer)
            return answer

    async def forget(self) -> None:
        """Find it out anew; an answer that is under way may be from before now."""
        async with self._asking:
            self._latest = None
