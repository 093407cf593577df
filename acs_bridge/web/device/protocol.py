"""HTTP/1 on one connection, as aiohttp speaks it, and a little more forgiving.

aiohttp's parser is strict, and does nearly all of the work here: a request that it refuses gets a second chance in
`heads.mended`, and only then costs anything. A head takes a bounded time and a bounded number of bytes, on every
request of a connection and not only on its first. Bytes that are beyond help are answered without a quotation.
"""

from asyncio import AbstractEventLoop, TimerHandle
from logging import Logger
from typing import Final, Protocol

from aiohttp import HttpVersion10, hdrs, web
from aiohttp.http import HttpProcessingError, HttpRequestParser, RawRequestMessage
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import RequestHandler, RequestPayloadError

from acs_bridge.web.device import heads
from acs_bridge.web.device.answer import SERVER, Answer
from acs_bridge.web.ordinary import LONGEST_HEAD

HEAD_SECONDS: Final = 30.0  # from a head's first byte to its last
LONGEST_FIELD: Final = 16 * 1024  # bytes of one header
MOST_HEADERS: Final = 100
_READ_AHEAD: Final = 64 * 1024  # bytes of a body that nobody has asked for yet

Fed = tuple[list[tuple[RawRequestMessage, StreamReader]], bool, bytes]


class Watcher(Protocol):
    """Who hears what a connection's bytes were like."""

    def mended(self) -> None:
        """A request was understood at the second look."""

    def no_http(self, peer: str) -> None:
        """Bytes came that are no HTTP."""


class _Parser(HttpRequestParser):
    """aiohttp's parser, with a memory of the head that is arriving."""

    def __init__(self, protocol: "DeviceProtocol", loop: AbstractEventLoop, watcher: Watcher) -> None:
        super().__init__(
            protocol,
            loop,
            _READ_AHEAD,
            max_line_size=LONGEST_FIELD,
            max_headers=MOST_HEADERS,
            max_field_size=LONGEST_FIELD,
            payload_exception=RequestPayloadError,
            auto_decompress=False,
        )
        self._protocol = protocol
        self._loop = loop
        self._watcher = watcher
        self._body: StreamReader = EMPTY_PAYLOAD
        self._head = b""  # what has arrived of a head that is not whole
        self._refused: HttpProcessingError | None = None  # why the strict parser gave up on it
        self._late: TimerHandle | None = None

    @property
    def is_between(self) -> bool:
        """Whether every message that began has ended, or its head has not."""
        return self._body.is_eof()

    def feed_data(self, data: bytes) -> Fed:  # type: ignore[override] # nobody passes it its constants
        """As aiohttp's: requests whose heads are whole. Their bodies fill themselves."""
        if self._refused is not None:
            return self._once_more(self._refused, data)
        between = self.is_between
        try:
            fed = super().feed_data(data)
        except HttpProcessingError as error:
            if between:
                return self._once_more(error, data)
            raise
        requests = fed[0]
        if requests:
            self._body = requests[-1][1]
            if self._head:
                self._arrived()
            if len(data) > LONGEST_HEAD:
                _check(heads.end_of(data, 0))
        elif between and data:
            self._arriving(data)
        return fed

    def _arriving(self, data: bytes) -> None:
        self._head += data
        _check(len(self._head))
        if self._late is None:
            self._late = self._loop.call_later(HEAD_SECONDS, self._protocol.force_close)

    def _arrived(self) -> None:
        self._head = b""
        self.forget()

    def forget(self) -> None:
        """No head is being waited for."""
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _once_more(self, error: HttpProcessingError, data: bytes) -> Fed:
        """Look again at a head that was refused, once it is whole; raises `error` where there is no help."""
        known = len(self._head)
        head = heads.without_front(self._head + data)
        if not head:
            self._successor()
            return [], False, b""
        end = heads.end_of(head, known - 3)
        if end < 0:
            self._refused, self._head = error, head[:known]
            self._arriving(head[known:])
            return [], False, b""
        _check(end)
        mended = heads.mended(head[:end])
        rest = heads.without_tail(mended or head[:end], head[end:])
        again = (mended or head[:end]) + rest
        if len(again) == known + len(data) and mended is None:
            raise error
        self._watcher.mended()
        return self._successor().feed_data(again)

    def _successor(self) -> "_Parser":
        """A parser in the place of this one, which refused something and does not go on."""
        self.forget()
        return self._protocol.begin_anew()


def _check(length: int) -> None:
    if length > LONGEST_HEAD:
        raise BadHttpMessage("the head of a request is too long")


class Response(web.StreamResponse):
    """An answer, as aiohttp sends one."""

    def __init__(self, answer: Answer) -> None:
        # Nothing of the base is called, which would only make what is not needed here: headers, cookies, a state.
        self._answer = answer
        self._status = answer.status
        self._keep_alive = False if answer.close else None

    async def prepare(self, request: web.BaseRequest) -> None:
        """Send it; raises ConnectionError where nobody is there any more."""
        if self._keep_alive is None:
            self._keep_alive = request.keep_alive
        version = request.version
        if version == HttpVersion10:
            connection = "Connection: keep-alive\r\n" if self._keep_alive else ""
        else:
            connection = "" if self._keep_alive else "Connection: close\r\n"
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError
        head = self._answer.head(f"{version[0]}.{version[1]}", connection)
        transport.write(head if request.method == hdrs.METH_HEAD else head + self._answer.content)

    async def write_eof(self, data: bytes = b"") -> None:
        """It has been sent as a whole."""


class DeviceProtocol(RequestHandler):
    """One connection on which something was not ordinary."""

    __slots__ = ("_watcher",)

    def __init__(
        self, server: web.Server, loop: AbstractEventLoop, watcher: Watcher, logger: Logger, keepalive_timeout: float
    ) -> None:
        super().__init__(server, loop=loop, keepalive_timeout=keepalive_timeout, logger=logger, access_log=None)  # type: ignore[arg-type] # None: no access log, as its own server passes it
        self._watcher = watcher
        self._parser = _Parser(self, loop, watcher)

    def begin_anew(self) -> _Parser:
        """Read what follows with a parser that has seen nothing."""
        self._parser = parser = _Parser(self, self._loop, self._watcher)
        if self._reading_paused:
            self.resume_reading(resume_parser=False)
        return parser

    def eof_received(self) -> bool:  # type: ignore[override] # aiohttp's own says nothing, and drops what is under way
        """The other end sends no more, and may still read: what has arrived whole is answered.

        Tells whether the way back stays open. TLS knows no such half (asyncio would warn), and a message that is cut
        off is worth no answer.
        """
        asked = self._waiter is None or bool(self._messages)
        whole = isinstance(self._parser, _Parser) and self._parser.is_between
        if not asked or not whole or self.ssl_context is not None:
            return False
        self.close()  # once that is answered
        return True

    def connection_lost(self, exc: BaseException | None) -> None:
        """Wait for nothing more."""
        if isinstance(self._parser, _Parser):
            self._parser.forget()
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it quotes what came
    ) -> web.StreamResponse:
        """Answer what cannot be read; anything else that goes wrong has been answered before it comes here."""
        if status != web.HTTPBadRequest.status_code:
            return super().handle_error(request, status, exc)
        peer = self.peername
        self._watcher.no_http(str(peer[0]) if peer else "")
        response = web.Response(status=status, text="this is no HTTP", headers={"Server": SERVER})
        response.force_close()
        return response
