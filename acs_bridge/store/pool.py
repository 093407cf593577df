"""Connections that are lent and given back at the cost of a list operation.

asyncpg's own pool runs a task and wraps the connection at every use, which costs more than a short statement itself; it
also resets the connection with a round trip. Nothing of ours changes a session's settings, takes a session's lock or
listens on a lent connection, so there is nothing to reset.

It never lends a connection that is closed, that is in a transaction, or whose last answer was not waited for.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

import asyncpg

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]  # generic in the stubs only
else:
    Connection = asyncpg.Connection

CLOSE_SECONDS = 5.0


class PoolClosed(RuntimeError):
    """Somebody asks for a connection after the end; it is a bug."""


class Pool:
    """At most `size` connections, dialled when they are needed, the last one given back lent first."""

    def __init__(self, dial: Callable[[], Awaitable[Connection]], size: int) -> None:
        """`dial` makes a connection; whatever it raises reaches whoever asked for one."""
        self._dial = dial
        self._size = size
        self._taken = 0
        """Slots in use: connections that are idle or lent, and those being dialled."""
        self._idle: list[Connection] = []
        self._lent: set[Connection] = set()
        self._not_to_return: set[Connection] = set()
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._farewells: set[asyncio.Task[None]] = set()
        self._closed = False
        self._nothing_lent = asyncio.Event()

    async def take(self) -> Connection:
        """Lend a connection: an idle one, a new one, or the next that somebody gives back."""
        if self._closed:
            raise PoolClosed("the pool is closed")
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                self._lent.add(connection)
                return connection
            self._taken -= 1
        if self._taken < self._size:
            self._taken += 1
            return await self._new()
        return await self._next() or await self._new()

    def give(self, connection: Connection) -> None:
        """Take a connection back; one that is not fit to be lent again is let go."""
        unfit = connection.is_closed() or connection.is_in_transaction() or connection in self._not_to_return
        if unfit or self._closed:
            self.drop(connection)
            return
        self._lent.discard(connection)
        self._hand_over(connection)

    def drop(self, connection: Connection) -> None:
        """Take a connection back and close it in the background, which first ends what it is still doing."""
        self._lent.discard(connection)
        self._not_to_return.discard(connection)
        self._say_farewell(connection)
        self._free_slot()

    def renew(self) -> None:
        """Let go of every connection: those that are lent, when they come back."""
        self._not_to_return |= self._lent
        while self._idle:
            self._say_farewell(self._idle.pop())
            self._free_slot()

    async def close(self) -> None:
        """End: turn away whoever waits, give what is lent a while to come back, then cut it off."""
        self._closed = True
        while turn := self._first_in_line():
            turn.set_exception(PoolClosed("the pool was closed"))
        self.renew()
        self._nothing_lent.clear()
        if self._lent:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._nothing_lent.wait(), CLOSE_SECONDS)
        for connection in self._lent:
            connection.terminate()
        await asyncio.gather(*self._farewells)

    async def _new(self) -> Connection:
        """Dial on a slot that is ours already."""
        # In a task of its own: asyncpg's time-outs ask for one, and a request may have begun without.
        dialling = asyncio.ensure_future(self._dial())
        try:
            connection = await dialling
        except BaseException:
            if dialling.done() and not dialling.cancelled() and not dialling.exception():
                self._say_farewell(dialling.result())  # it came in the moment in which nobody waited any more
            self._free_slot()
            raise
        self._lent.add(connection)
        if self._closed:
            self.drop(connection)
            raise PoolClosed("the pool was closed")
        return connection

    async def _next(self) -> Connection | None:
        """Wait for a connection, or for a slot to dial on (None)."""
        turn: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            connection = await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and not turn.exception():
                self._pass_on(turn.result())
            raise
        if connection is not None:
            self._lent.add(connection)
        return connection

    def _pass_on(self, connection: Connection | None) -> None:
        if connection is None:
            self._free_slot()
        else:
            self._hand_over(connection)

    def _hand_over(self, connection: Connection) -> None:
        if turn := self._first_in_line():
            turn.set_result(connection)
        else:
            self._idle.append(connection)

    def _free_slot(self) -> None:
        if turn := self._first_in_line():
            turn.set_result(None)
        else:
            self._taken -= 1
        if not self._lent:
            self._nothing_lent.set()

    def _first_in_line(self) -> asyncio.Future[Connection | None] | None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                return turn
        return None

    def _say_farewell(self, connection: Connection) -> None:
        if not connection.is_closed():
            task = asyncio.get_running_loop().create_task(_close(connection))
            self._farewells.add(task)
            task.add_done_callback(self._farewells.discard)


async def _close(connection: Connection) -> None:
    """Close politely; asyncpg itself cuts the connection off when that fails or takes too long."""
    with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        await connection.close(timeout=CLOSE_SECONDS)
