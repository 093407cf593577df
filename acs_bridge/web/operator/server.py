"""The server below the application: aiohttp's own, but for what it says to bytes that are no HTTP.

aiohttp quotes the line that it could not read, in its answer and in its log. On this listener that line may be an
`Authorization`, and what was sent by mistake is a token all the same.
"""

import asyncio
from typing import Any, Final

import structlog
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from acs_bridge.web.operator.problems import HEADERS, NO_HTTP

_log = structlog.get_logger(__name__)

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
    """What makes the connections."""

    def __call__(self) -> RequestHandler:
        return _Protocol(self, loop=self._loop, **self._kwargs)


class OperatorRunner(web.AppRunner):
    """Runs the application on such connections."""

    def __init__(
        self,
        application: web.Application,
        *,
        keepalive_timeout: float = IDLE_SECONDS,
        **options: Any,  # noqa: ANN401 -- aiohttp's own
    ) -> None:
        super().__init__(application, keepalive_timeout=keepalive_timeout, **options)

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(
            made.request_handler, request_factory=made.request_factory, loop=asyncio.get_running_loop(), **self._kwargs
        )
