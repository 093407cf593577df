"""Waiting for something to become true, without polling: whoever changes a thing says so, and nothing is missed."""

import asyncio
from collections.abc import Callable


class Signal:
    """Conditions that somebody waits for; each is looked at whenever something has changed."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[None], Callable[[], bool]] = {}

    def announce(self) -> None:
        """Something has changed. Conditions are looked at here and now, so that one that lasts for no time counts."""
        if not self._waiting:
            return
        for future, condition in list(self._waiting.items()):
            if not future.done() and condition():
                future.set_result(None)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return once `condition` holds, or has held since this was called."""
        if condition():
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting[future] = condition
        try:
            await future
        finally:
            del self._waiting[future]
