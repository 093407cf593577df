"""Rows that arrive together share one statement; a row that arrives alone waits for nothing.

A fleet that comes back after an outage sends thousands of messages a second: batched, they cost Postgres a fraction of
what they would cost one by one. A batch is cut while the ones before it are under way, never by a timer. Rows of one
key (a gateway) wait for each other: one that the database is stuck with holds up one batch and no other.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from acs_bridge.errors import Unavailable

BATCH_LIMIT: Final = 64

Row = TypeVar("Row")
Result = TypeVar("Result")


class Batcher(Generic[Row, Result]):
    """One door to one statement that takes many rows, one batch at a time."""

    def __init__(self, run: Callable[[Sequence[Row]], Awaitable[Sequence[Result]]]) -> None:
        """`run` answers each row, in order; it may be asked again for the rows of a batch that failed, one by one."""
        self._run = run
        self._waiting: deque[tuple[Row, asyncio.Future[Result]]] = deque()
        self._draining: asyncio.Task[None] | None = None

    async def add(self, row: Row) -> Result:
        """What the statement says to this row."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, future))
        if self._draining is None:
            self._draining = asyncio.create_task(self._drain())
        return await future

    async def _drain(self) -> None:
        try:
            while batch := self._cut():
                await self._answer_all(batch)
        finally:
            self._draining = None  # in the same breath as the last look at who waits: nobody is left behind

    def _cut(self) -> list[tuple[Row, "asyncio.Future[Result]"]]:
        """The next batch: of those who still wait, in order."""
        batch: list[tuple[Row, asyncio.Future[Result]]] = []
        while self._waiting and len(batch) < BATCH_LIMIT:
            waiting = self._waiting.popleft()
            if not waiting[1].done():
                batch.append(waiting)
        return batch

    async def _answer_all(self, batch: Sequence[tuple[Row, "asyncio.Future[Result]"]]) -> None:
        if not await self._answer(batch):
            for alone in batch:
                await self._answer([alone])

    async def _answer(self, batch: Sequence[tuple[Row, "asyncio.Future[Result]"]]) -> bool:
        """Run one batch. False: it failed as a whole, perhaps by the fault of one row: try each alone."""
        try:
            results = await self._run([row for row, _ in batch])
        except Exception as error:  # noqa: BLE001 - it is raised again where its row waits
            if len(batch) > 1 and not isinstance(error, Unavailable):
                return False
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return True
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)
        return True
