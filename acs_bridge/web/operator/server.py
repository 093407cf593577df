"""The server below the application: aiohttp's own, but for what it says to bytes that are no HTTP.

aiohttp quotes the line that it could not read, in its answer and in its log. On this listener that line may be an
`Authorization`, and what was sent by mistake is a token all the same.
"""

import asyncio
from asyncio import Transport
from contextlib import suppress
from typing import Any, Final

import structlog
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from acs_bridge.web.operator.problems import HEADERS, NO_HTTP
from acs_bridge.web.operator.single import SECONDS, Reply, SingleRequests
from acs_bridge.web.ordinary import Answering, Head, OrdinaryProtocol, Seconds

_log = structlog.get_logger(__name__)

SINGLE: Final = web.AppKey("single", SingleRequests)
"""What answers the ordinary calls of the application's busiest route."""
IDLE_SECONDS: Final = 90.0
"""How long a connection may be without a request that is answered, also at its beginning and inside a head: longer than
proxies keep one."""


class _Protocol(RequestHandler):
    """One connection."""

    __slots__ = ("lost",)

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 -- aiohttp's own
        super().__init__(*arguments, **options)
        self.lost = asyncio.Event()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Tell whoever waits for it, too: a handler that has nothing to write would not hear of it."""
        super().connection_lost(exc)
        self.lost.set()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 -- it quotes what came
    ) -> web.StreamResponse:
        """Answer what cannot be read; anything else that goes wrong has been answered before it comes here."""
        if status != web.HTTPBadRequest.status_code:
            return super().handle_error(request, status, exc)
        if request.writer.output_size > 0:
            raise ConnectionError("there is half an answer already")
        peer = self.peername
        _log.info("no_http", address=str(peer[0]) if peer else "")
        response = NO_HTTP.response(HEADERS)
        response.force_close()
        return response

    def log_exception(self, *args: object, **kw: object) -> None:
        """Log what is wrong here; that a body ends early, or is not encoded as it says, is its sender's affair."""
        if not isinstance(kw.get("exc_info"), ConnectionError | web.RequestPayloadError):
            super().log_exception(*args, **kw)


async def gone(request: web.Request) -> None:
    """Return when the client of a request has gone."""
    protocol = request.protocol
    assert isinstance(protocol, _Protocol)  # noqa: S101 -- nobody else makes connections here
    await protocol.lost.wait()


class _Server(web.Server):
    """What makes the connections: ours for ordinary provisioning requests, aiohttp's for everything else."""

    def __init__(self, made: web.Server, single: SingleRequests, idle_seconds: float, **options: Any) -> None:  # noqa: ANN401 -- aiohttp's own
        super().__init__(
            made.request_handler,
            request_factory=made.request_factory,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=idle_seconds,
            **options,
        )
        self._single = single
        self._seconds = Seconds(first_request=idle_seconds, keep_alive=idle_seconds, answer=SECONDS)
        self._peers: dict[OrdinaryProtocol, str] = {}
        self._alone = asyncio.Event()
        self._alone.set()

    def __call__(self) -> OrdinaryProtocol:  # type: ignore[override] # aiohttp's own comes later
        return OrdinaryProtocol(self, self._loop, self._single.start, self._seconds)

    def connected(self, speaker: OrdinaryProtocol, transport: Transport) -> None:
        """Remember the other end of a connection."""
        peer = transport.get_extra_info("peername")
        self._peers[speaker] = str(peer[0]) if peer else ""
        self._alone.clear()

    def answer(self, speaker: OrdinaryProtocol, head: Head, content: bytes) -> Answering | None:
        """Answer an ordinary request; None: it is not one for this."""
        return self._single.answer(self._peers[speaker], head, content) if self._single.takes(head) else None

    def too_late(self, speaker: OrdinaryProtocol, head: Head) -> Reply:
        """Answer one on which we have worked for too long."""
        return self._single.too_late(self._peers[speaker], head)

    def hand_over(self, speaker: OrdinaryProtocol, transport: Transport, expires: float | None) -> _Protocol:  # noqa: ARG002 -- aiohttp waits as long as we
        """Let aiohttp speak on a connection."""
        self.disconnected(speaker)
        successor = _Protocol(self, loop=self._loop, **self._kwargs)
        successor.connection_made(transport)
        return successor

    def disconnected(self, speaker: OrdinaryProtocol) -> None:
        """Forget a connection."""
        self._peers.pop(speaker, None)
        if not self._peers:
            self._alone.set()

    def pre_shutdown(self) -> None:
        """Take no further request on any connection."""
        for speaker in tuple(self._peers):
            speaker.finish()
        super().pre_shutdown()

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 -- aiohttp's own
        """Close every connection, once what is under way on it was answered or the time is up."""
        await asyncio.gather(self._until_alone(timeout), super().shutdown(timeout))

    async def _until_alone(self, seconds: float | None) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._alone.wait(), seconds)
        for speaker in tuple(self._peers):
            speaker.force_close()


class OperatorRunner(web.AppRunner):
    """Runs the application on such connections."""

    def __init__(
        self,
        application: web.Application,
        *,
        keepalive_timeout: float = IDLE_SECONDS,
        **options: Any,  # noqa: ANN401 -- aiohttp's own
    ) -> None:
        super().__init__(application, **options)
        self._idle_seconds = keepalive_timeout

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(made, self.app[SINGLE], self._idle_seconds, **self._kwargs)
