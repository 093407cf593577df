"""`/v1/events`: server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

A stream is an answer that does not end, so it is no route of the table. A client that does not read holds up its own
stream only; after a while it is let go, and comes back with `Last-Event-ID`. One that goes leaves its place at once.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import lru_cache
from typing import Any, Final, TypeAlias
from uuid import UUID

import structlog
from aiohttp import web

from acs_bridge.domain.actor import Actor
from acs_bridge.errors import AcsBridgeError, InvalidField
from acs_bridge.services.notifications.events import EventFeed
from acs_bridge.services.notifications.notices import Notice
from acs_bridge.store.events import BEGINNING, EventRow, Position, as_they_happened
from acs_bridge.web.operator.models.events import Changes, EventQuery, Reset
from acs_bridge.web.operator.problems import HEADERS
from acs_bridge.web.operator.server import gone

_log = structlog.get_logger(__name__)

PATH: Final = "/v1/events"
HEARTBEAT_SECONDS: Final = 15.0
SLOW_SECONDS: Final = 30.0
RETRY_MS: Final = 2000
MOST_CHANGES: Final = 200
MOST_COALESCED: Final = 20_000
STREAM_HEADERS: Final = {**HEADERS, "Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}

StillAllowed: TypeAlias = Callable[[], Awaitable[Actor]]


async def stream(
    request: web.Request, feed: EventFeed, query: EventQuery, caller: Actor, still_allowed: StillAllowed
) -> web.StreamResponse:
    """Answer with what moves until the client goes, the daemon ends, or its token counts no more."""
    asked = _last_event_id(request)
    async with feed.followed(caller.label):
        begin, reset = await _begin(feed, asked, query)
        response = web.StreamResponse(headers=STREAM_HEADERS)
        await response.prepare(request)
        _do_not_wait_for_the_dead(request)
        line = _Line(request, response)
        try:
            await line.begin(begin, reset)
            await _while_there(request, _tell(line, feed, query, begin, still_allowed))
        except ConnectionError:
            pass  # the client has gone
        except AcsBridgeError as error:  # the head of the answer is out: the client asks again, and is told then
            _log.info("event_stream_ended", reason=str(error))
    return response


async def _while_there(request: web.Request, telling: Coroutine[Any, Any, None]) -> None:
    """Tell until the client goes, whether or not there is anything to tell it then."""
    told, left = asyncio.ensure_future(telling), asyncio.ensure_future(gone(request))
    try:
        await asyncio.wait((told, left), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (told, left):
            task.cancel()
        await asyncio.wait((told, left))
    if not told.cancelled():
        told.result()


def _do_not_wait_for_the_dead(request: web.Request) -> None:
    """Have the system cut the connection where nobody takes what was sent: of a host that is off nothing else tells."""
    sock = request.get_extra_info("socket")
    if sock is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(SLOW_SECONDS * 1000))


def _last_event_id(request: web.Request) -> Position | None:
    text = request.headers.get("Last-Event-ID", "")
    try:
        return Position.read(text) if text else None
    except ValueError:
        raise InvalidField("Last-Event-ID", "must be the id of an event of this stream") from None


async def _begin(feed: EventFeed, asked: Position | None, query: EventQuery) -> tuple[Position, Reset | None]:
    if asked is None:
        return (BEGINNING if query.since == "beginning" else await feed.now()), None
    if await feed.can_resume(asked):
        return asked, None
    reason = "what came after that event is not kept any more: read the lists again, the stream goes on from now"
    return await feed.now(), Reset(reason=reason)


async def _tell(
    line: "_Line", feed: EventFeed, query: EventQuery, position: Position, still_allowed: StillAllowed
) -> None:
    wanted, clock = query.filter(), asyncio.get_running_loop().time
    beat, turns = clock() + HEARTBEAT_SECONDS, feed.turns
    while not feed.is_closed:
        if query.coalesce_ms and feed.turns != turns:
            turns = feed.turns
            await line.records()
        page, position = await feed.after(position, max(0.0, beat - clock()))
        if page and query.coalesce_ms:
            rows, position = await _gathered(feed, page, position, query.coalesce_ms)
            await line.changes(filter(wanted, rows), position)
        elif page:
            await line.events((row, reached) for row, reached in as_they_happened(page) if wanted(row))
        if clock() >= beat and not feed.is_closed:
            await still_allowed()
            await line.heartbeat(position)
            beat = clock() + HEARTBEAT_SECONDS


async def _gathered(
    feed: EventFeed, page: Iterable[EventRow], position: Position, milliseconds: int
) -> tuple[list[EventRow], Position]:
    """Go on listening for a while, and keep what comes."""
    gathered = list(page)
    loop = asyncio.get_running_loop()
    until = loop.time() + milliseconds / 1000
    while len(gathered) < MOST_COALESCED and (left := until - loop.time()) > 0:
        more, position = await feed.after(position, left)
        gathered += more
        if feed.is_closed:
            break
    return gathered, position


class _Line:
    """One client's answer, as it is written."""

    def __init__(self, request: web.Request, response: web.StreamResponse) -> None:
        self._request = request
        self._response = response

    async def begin(self, position: Position, reset: Reset | None) -> None:
        head = f"retry: {RETRY_MS}\nid: {position}\n\n"
        await self._write(head + (_message("reset", reset.model_dump_json(), position) if reset else ""))

    async def heartbeat(self, position: Position) -> None:
        """A comment keeps the connection; an id without data only says how far the client is."""
        await self._write(f": still here\nid: {position}\n\n")

    async def records(self) -> None:
        """Only say that there is something to look at, beside writes."""
        await self._write(_message("records", "{}", None))

    async def events(self, told: Iterable[tuple[EventRow, Position | None]]) -> None:
        await self._write("".join(_message("write", _data(row), reached) for row, reached in told))

    async def changes(self, rows: Iterable[EventRow], position: Position) -> None:
        newest: dict[UUID, EventRow] = {}
        for row in rows:
            known = newest.get(row.write_id)
            if known is None or known.move < row.move:
                newest[row.write_id] = row
        kept = sorted(newest.values(), key=lambda row: row.seq)[-MOST_CHANGES:]
        if kept:
            changes = Changes(items=[Notice.of(row) for row in kept], left_out=len(newest) - len(kept))
            await self._write(_message("changes", changes.model_dump_json(), position))

    async def _write(self, text: str) -> None:
        """Write, and wait while the client does not read; for longer than it may, and the line is cut."""
        if not text:
            return
        try:
            async with asyncio.timeout(SLOW_SECONDS):
                await self._response.write(text.encode())
        except TimeoutError:
            if self._request.transport is not None:
                self._request.transport.abort()
            raise ConnectionAbortedError from None


@lru_cache(maxsize=4096)
def _data(row: EventRow) -> str:
    """Write an event, once for all who follow."""
    return Notice.of(row).model_dump_json()


def _message(name: str, data: str, position: Position | None) -> str:
    id = "" if position is None else f"id: {position}\n"
    return f"{id}event: {name}\ndata: {data}\n\n"
