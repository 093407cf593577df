"""Rows that arrive together share one statement; a row that arrives alone waits for nothing.

A fleet that comes back after an outage sends thousands of messages a second: batched, they cost Postgres a fraction of
what they would cost one by one, and the daemon too, which sleeps and wakes for each statement. A batch is cut while the
ones before it are under way. Where rows come in company, as many as come within a few milliseconds go together, as
Postgres does it with commits (`commit_delay`, `commit_siblings`). Rows of one key (a gateway) wait for each other: one
that the database is stuck with holds up one batch and no other.

A statement costs the daemon 100 µs and more beside its rows, most of it because the process sleeps meanwhile and finds
its caches cold when it wakes.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar, cast

from acs_bridge.errors import Unavailable

BATCH_LIMIT: Final = 64
BATCHES_UNDER_WAY: Final = 4  # stuck ones included
STUCK_SECONDS: Final = 1.0
PACE_SECONDS: Final = 0.005  # from the beginning of a batch that was not a row alone to the next, unless that is full

Row = TypeVar("Row")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, eq=False)
class _UnderWay(Generic[Row]):
    """A batch that the database is busy with."""

    rows: Sequence[Row]
    since: float


class Batcher(Generic[Row, Result]):
    """One door to one statement that takes many rows, one batch at a time.

    A batch that is stuck, because somebody holds one of its rows, does not keep up those behind it: the next one is cut
    beside it, without rows of the keys that are in it.
    """

    def __init__(
        self, run: Callable[[Sequence[Row]], Awaitable[Sequence[Result]]], key: Callable[[Row], Hashable]
    ) -> None:
        """`run` answers each row, in order; it may be asked again for the rows of a batch that failed, one by one."""
        self._run = run
        self._key = key
        self._waiting: deque[tuple[Row, asyncio.Future[Result]]] = deque()
        self._under_way: list[_UnderWay[Row]] = []
        self._drains: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._may_begin = 0.0  # when the next batch may, in the loop's time
        self._pause: asyncio.Future[None] | None = None  # of a drain, until then

    def add(self, row: Row) -> asyncio.Future[Result]:
        """Have a row taken; what the statement says to it."""
        loop = self._loop = self._loop or asyncio.get_running_loop()  # which costs a system call each time
        future: asyncio.Future[Result] = loop.create_future()
        self._waiting.append((row, future))
        if self._pause is not None:
            if len(self._waiting) >= BATCH_LIMIT:
                _end(self._pause)
        elif not self._drains or self._is_stuck(loop):
            self._drains.add(loop.create_task(self._drain(loop)))
        return future

    def _is_stuck(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether every batch has been under way for too long; the last one is the youngest."""
        if not len(self._under_way) == len(self._drains) < BATCHES_UNDER_WAY:
            return False
        return self._under_way[-1].since < loop.time() - STUCK_SECONDS

    async def _drain(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            while self._waiting:
                if loop.time() < self._may_begin and len(self._waiting) < BATCH_LIMIT:
                    if self._pause is not None:
                        return  # another drain goes on in a moment
                    await self._wait(loop)
                if not (batch := self._cut()):
                    return
                now = loop.time()
                under_way = _UnderWay([row for row, _ in batch], now)
                self._may_begin = now + PACE_SECONDS if len(batch) > 1 else now
                self._under_way.append(under_way)
                try:
                    await self._answer_all(batch)
                finally:
                    self._under_way.remove(under_way)
        finally:
            # In the same breath as the last look at who waits: nobody is left behind.
            self._drains.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    async def _wait(self, loop: asyncio.AbstractEventLoop) -> None:
        self._pause = pause = loop.create_future()
        timer = loop.call_at(self._may_begin, _end, pause)
        try:
            await pause
        finally:
            timer.cancel()
            self._pause = None

    def _cut(self) -> list[tuple[Row, "asyncio.Future[Result]"]]:
        """The next batch: of those who still wait, in order, without keys that are under way."""
        busy = {self._key(row) for batch in self._under_way for row in batch.rows}
        batch: list[tuple[Row, asyncio.Future[Result]]] = []
        passed_over: list[tuple[Row, asyncio.Future[Result]]] = []
        while self._waiting and len(batch) < BATCH_LIMIT:
            waiting = self._waiting.popleft()
            if not waiting[1].done():
                (passed_over if busy and self._key(waiting[0]) in busy else batch).append(waiting)
        self._waiting.extendleft(reversed(passed_over))
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


def _end(pause: asyncio.Future[None]) -> None:
    if not pause.done():
        pause.set_result(None)
