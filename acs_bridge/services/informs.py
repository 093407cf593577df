"""Informs that arrive together share one statement; an Inform that arrives alone waits for nothing.

A fleet that comes back after an outage sends thousands of Informs a second: batched, they cost Postgres a few percent
of what they would cost one by one. A batch is cut while the ones before it are under way, never by a timer.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from acs_bridge.domain.clock import Clock
from acs_bridge.errors import AcsBridgeError, Unavailable
from acs_bridge.store.sessions import InformRow, OpenedSession, Sessions

BATCH_LIMIT: Final = 64
BATCHES_UNDER_WAY: Final = 2
REGISTRATION_TRIES: Final = 3

_Waiting = tuple[InformRow, "asyncio.Future[OpenedSession]"]


class RegistrationContested(AcsBridgeError):
    """The gateway was being registered by several workers at once, again and again."""

    status = 503
    title = "The gateway is being registered elsewhere at this moment"


class Informs:
    """The door through which every Inform reaches the database."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock
        self._waiting: deque[_Waiting] = deque()
        self._under_way: set[asyncio.Task[None]] = set()

    async def take(self, row: InformRow) -> OpenedSession:
        """Raise the gateway to its next session, and hear what stands open for it."""
        future: asyncio.Future[OpenedSession] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, future))
        if len(self._under_way) < BATCHES_UNDER_WAY:
            task = asyncio.create_task(self._drain())
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return await future

    async def _drain(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(BATCH_LIMIT, len(self._waiting)))]
            try:
                await self._take_together(batch)
            except Unavailable as error:
                _fail(batch, error)
            except Exception:  # noqa: BLE001 - one bad row must not harm the others: each is tried alone, and fails alone
                await self._take_one_by_one(batch)

    async def _take_together(self, batch: Sequence[_Waiting]) -> None:
        newest = {row.identity: row for row, _ in batch}  # of two Informs of one gateway the later one wins
        rows = [newest[identity] for identity in sorted(newest)]  # in one order everywhere: workers cannot deadlock
        opened = dict(zip((row.identity for row in rows), await self._take_rows(rows), strict=True))
        for row, future in batch:
            session = opened[row.identity]
            _answer(future, session if row is newest[row.identity] else _fenced(session))

    async def _take_one_by_one(self, batch: Sequence[_Waiting]) -> None:
        for row, future in batch:
            try:
                _answer(future, (await self._take_rows([row]))[0])
            except Exception as error:  # noqa: BLE001 - it is its own session's error, raised where that one waits
                _fail([(row, future)], error)

    async def _take_rows(self, rows: Sequence[InformRow]) -> list[OpenedSession]:
        for _ in range(REGISTRATION_TRIES):
            opened = await self._sessions.take_informs(rows, self._clock())
            if None not in opened:
                return [session for session in opened if session is not None]
            if len(rows) > 1:
                break  # taken already in part: whoever is missing is asked for alone
        else:
            raise RegistrationContested
        return [
            session if session is not None else (await self._take_rows([row]))[0]
            for row, session in zip(rows, opened, strict=True)
        ]


def _fenced(session: OpenedSession) -> OpenedSession:
    """The session of an Inform that a newer one overtook in the same batch: over before it began."""
    return replace(session, session_number=session.session_number - 1, write=None, due_at=None)


def _answer(future: "asyncio.Future[OpenedSession]", session: OpenedSession) -> None:
    if not future.done():
        future.set_result(session)


def _fail(batch: Sequence[_Waiting], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
