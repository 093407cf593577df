"""Uploads: an `application/x-ndjson` or CSV body of any length in, a line of the answer for each of its lines out.

While some lines are with their handler the next are read and checked, and no more than those: a client that does not
read its answer is not read from either, and a slow database slows the client down. Memory stays what it is, however
long the body, its lines or its silence. Whatever happens, what was answered is done, and the same lines sent again end
with everything done once.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final, NamedTuple, TypeAlias
from uuid import UUID

import structlog
from aiohttp import web
from pydantic import BaseModel

from acs_bridge.domain.actor import Actor
from acs_bridge.errors import AcsBridgeError, Forbidden, InvalidField, Unauthenticated, Unavailable
from acs_bridge.web.operator.ndjson import LINE_LIMIT, Line, LineSplitter
from acs_bridge.web.operator.problems import HEADERS, UnreadableBody
from acs_bridge.web.operator.registry import Bulk, Chunk, LineAnswer
from acs_bridge.web.operator.results import CsvResults, NdjsonResults, Results

_log = structlog.get_logger(__name__)

NDJSON: Final = ("application/x-ndjson", "application/ndjson", "application/jsonl")
CSV: Final = "text/csv"
BATCH_HEADER: Final = "Batch-Id"
STOPPING: Final[web.AppKey[asyncio.Event]] = web.AppKey("stopping", asyncio.Event)
"""Set when the listener closes: uploads end after the lines that they are at."""
STILL: Final[web.RequestKey[Callable[[], Awaitable[Actor]]]] = web.RequestKey("still")
"""Looks its caller up again; raises when that token counts no more."""

CHUNK_LINES: Final = 500
SLICE: Final = 50
"""After so many lines have been checked somebody else may have the loop."""
STALLED_SECONDS: Final = 60.0
"""How long a client may send nothing, or read nothing, while it is its turn."""


class LineTooLong(AcsBridgeError):
    """A line that is not read."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title = "The line is too long"

    def __init__(self) -> None:
        """Name the limit."""
        super().__init__(f"a line has at most {LINE_LIMIT} bytes")


class Stalled(AcsBridgeError):
    """Nothing came for too long."""

    status = HTTPStatus.REQUEST_TIMEOUT
    title = "The upload stopped"

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__(f"nothing came for {STALLED_SECONDS:.0f} s: send this line and those after it again")


class Stopping(AcsBridgeError):
    """The daemon ends."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = "The daemon is stopping"

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__("the daemon is stopping: send this line and those after it again")


class _Item(NamedTuple):
    number: int
    body: BaseModel | AcsBridgeError


class _Closing(NamedTuple):
    """The line that says why those from it on are not done."""

    number: int
    body: AcsBridgeError


_Underway: TypeAlias = deque[asyncio.Task[list[bytes]]]


class Upload:
    """One upload."""

    def __init__(
        self,
        request: web.Request,
        actor: Actor,
        bulk: Bulk[Any],
        parse: Callable[[bytes], BaseModel] | None,
        batch_id: UUID | None,
    ) -> None:
        """`parse` reads one line; None: the first line is the header of a table, which says how the others are read.

        `batch_id` is the one that the upload goes on with, if any.
        """
        self._request = request
        self._actor = actor
        self._bulk = bulk
        self._parse = parse
        self._batch_id = batch_id or bulk.begin()
        self._results = _results(request, self._batch_id, bulk.line)
        self._early: list[Line] = []
        self._stopping = request.app[STOPPING]
        self._still = request[STILL]
        self._lines = LineSplitter()
        self._waiting: list[_Item] = []
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._room = asyncio.Event()
        self._answered: Counter[int] = Counter()
        self._is_blank: Callable[[bytes], bool] = _is_never_blank
        self._over = False
        self._stalled = False
        self._gone = False

    async def serve(self) -> web.StreamResponse:
        """Read and answer until the body ends, the client is gone, or the daemon stops."""
        parse = self._parse or await self._by_header()
        headers = {**HEADERS, BATCH_HEADER: str(self._batch_id)}
        response = web.StreamResponse(headers=headers)
        response.content_type = self._results.media_type
        await response.prepare(self._request)
        await response.write(self._results.head())
        reading = asyncio.create_task(self._read(parse))
        stopping = asyncio.create_task(self._stop())
        try:
            complete = await self._answer(response)
        except (TimeoutError, ConnectionError):
            complete = False
        finally:
            for task in (reading, stopping):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        if not complete and self._request.transport is not None:
            # A chunked answer without its end tells the client that it does not have all of it.
            self._request.transport.abort() if self._gone else self._request.transport.close()
        _log.info(
            "upload_served",
            batch=str(self._batch_id),
            complete=complete,
            lines=self._answered.total(),
            statuses={str(status): count for status, count in sorted(self._answered.items())},
        )
        return response

    async def _by_header(self) -> Callable[[bytes], BaseModel]:
        """Read the header of a table, before anything is answered: without it no row means anything."""
        table = self._bulk.table
        assert table is not None  # noqa: S101 -- else it would not have come here
        try:
            while not self._early:
                data = await self._more()
                self._early = list(self._lines.feed(data) if data else self._lines.end())
                if not data:
                    break
        except (web.RequestPayloadError, ConnectionError):
            raise UnreadableBody("the body ended before it was complete") from None
        if self._stalled:
            raise Stalled
        if not self._early:
            raise InvalidField("header", "is missing: the first line names the columns")
        header = self._early.pop(0).content
        if header is None:
            raise LineTooLong
        rows = table(header)
        self._is_blank = rows.is_blank
        return rows.parse

    async def _answer(self, response: web.StreamResponse) -> bool:
        """Answer what has arrived, as often as something has; true when the client has got everything."""
        underway: _Underway = deque()
        try:
            closing = await self._go(response, underway)
            if self._gone:
                return False
            while underway:
                await self._write(response, await underway.popleft())
        except asyncio.CancelledError:
            for task in underway:
                task.cancel()
            raise
        finally:
            await asyncio.gather(*underway, return_exceptions=True)
        if closing is not None:
            await self._write(response, [self._line(closing.number, closing.body)])
            return False
        async with asyncio.timeout(STALLED_SECONDS):
            await response.write_eof()
        return True

    async def _go(self, response: web.StreamResponse, underway: _Underway) -> _Closing | None:
        """Keep as many chunks under way as their handler takes, answer them in their order, and say why it ended.

        None: all that will ever arrive is under way or answered.
        """
        last = 0
        while self._waiting or not self._over:
            items = await self._arrivals(underway)
            if items and (refusal := await self._refusal()):
                return _Closing(items[0].number, refusal)
            if items:
                last = items[-1].number
                underway.append(asyncio.create_task(self._done(items)))
            while underway and (underway[0].done() or len(underway) == self._bulk.chunks_at_once):
                await self._write(response, await underway.popleft())
            if self._gone:
                return None
            if self._stopping.is_set() and (self._waiting or not self._over):
                return _Closing(last + 1, Stopping())
        return _Closing(self._lines.number, Stalled()) if self._stalled else None

    async def _arrivals(self, underway: _Underway) -> list[_Item]:
        """Take what has arrived, or, beside what is under way, a whole chunk; none when an answer is ready first."""
        enough = asyncio.ensure_future((self._full if underway else self._arrived).wait())
        try:
            await asyncio.wait((enough, *list(underway)[:1]), return_when=asyncio.FIRST_COMPLETED)
            if not enough.done():
                return []
        finally:
            enough.cancel()
        items, self._waiting = self._waiting, []
        self._arrived.clear()
        self._full.clear()
        self._room.set()
        return items

    async def _write(self, response: web.StreamResponse, lines: Sequence[bytes]) -> None:
        try:
            async with asyncio.timeout(STALLED_SECONDS):
                await response.write(b"".join(lines))
        except (TimeoutError, ConnectionError):
            self._gone = True
            raise

    async def _refusal(self) -> AcsBridgeError | None:
        """Say why the caller may not go on: a token that is revoked counts no more, also in the middle of an upload."""
        try:
            await self._still()
        except (Unauthenticated, Forbidden) as error:
            return error
        except Unavailable:
            pass  # what the lines will meet as well, and wait for
        return None

    async def _done(self, items: Sequence[_Item]) -> list[bytes]:
        """Hand the lines that can be read to the handler; a line of the answer for each."""
        bodies = [item.body for item in items if not isinstance(item.body, AcsBridgeError)]
        chunk = Chunk(self._actor, self._batch_id, bodies)
        answers = iter(await self._bulk.handler(chunk) if bodies else ())
        written: list[bytes] = []
        for count, item in enumerate(items, 1):
            written.append(
                self._line(item.number, item.body if isinstance(item.body, AcsBridgeError) else next(answers))
            )
            if count % SLICE == 0:
                await asyncio.sleep(0)
        return written

    def _line(self, number: int, answer: LineAnswer) -> bytes:
        self._answered[int(answer.status)] += 1
        return self._results.line(number, answer)

    async def _read(self, parse: Callable[[bytes], BaseModel]) -> None:
        """Read and check lines, as many ahead of those being answered as make a chunk."""
        try:
            await self._take(iter(self._early), parse)
            self._early = []
            while data := await self._more():
                await self._take(self._lines.feed(data), parse)
            if not self._stalled:
                await self._take(self._lines.end(), parse)
        except (web.RequestPayloadError, ConnectionError, UnreadableBody):
            self._gone = True
        finally:
            self._over = True
            self._wake()

    async def _more(self) -> bytes:
        try:
            async with asyncio.timeout(STALLED_SECONDS):
                return await self._request.content.readany()
        except TimeoutError:
            self._stalled = True
            return b""

    async def _take(self, lines: Iterator[Line], parse: Callable[[bytes], BaseModel]) -> None:
        for count, line in enumerate(lines, 1):
            if line.content is not None and self._is_blank(line.content):
                continue
            while len(self._waiting) >= CHUNK_LINES:
                self._room.clear()
                self._wake()
                await self._room.wait()
            self._waiting.append(_Item(line.number, _checked(line, parse)))
            if count % SLICE == 0:
                await asyncio.sleep(0)
        if self._waiting:
            self._arrived.set()

    async def _stop(self) -> None:
        """Wake the answering up when the daemon stops, also while it waits for lines."""
        await self._stopping.wait()
        self._wake()

    def _wake(self) -> None:
        """Let what has arrived be taken now."""
        self._arrived.set()
        self._full.set()


def batch_of(request: web.Request) -> UUID | None:
    """Give the batch that an upload goes on with: a long one may come in parts."""
    if BATCH_HEADER not in request.headers:
        return None
    try:
        return UUID(request.headers[BATCH_HEADER])
    except ValueError:
        raise InvalidField(BATCH_HEADER, "must be the UUID that an earlier part of the upload got") from None


def media_types(bulk: Bulk[Any]) -> tuple[str, ...]:
    """Give every media type that an upload may have."""
    return NDJSON if bulk.table is None else (*NDJSON, CSV)


def shown_media_types(bulk: Bulk[Any]) -> tuple[str, ...]:
    """Give the same without other names of one of them."""
    return tuple(kind for kind in media_types(bulk) if kind not in NDJSON[1:])


def _results(request: web.Request, batch_id: UUID, line: type[BaseModel]) -> Results:
    """Answer as the caller likes it best; NDJSON when it does not say."""
    accepted = [kind.partition(";")[0].strip().lower() for kind in request.headers.get("Accept", "").split(",")]
    wants_csv = CSV in accepted and not {*NDJSON}.intersection(accepted)
    return CsvResults(batch_id, line) if wants_csv else NdjsonResults(batch_id)


def _checked(line: Line, parse: Callable[[bytes], BaseModel]) -> BaseModel | AcsBridgeError:
    if line.content is None:
        return LineTooLong()
    try:
        return parse(line.content)
    except AcsBridgeError as error:
        return error


def _is_never_blank(_: bytes) -> bool:
    return False
