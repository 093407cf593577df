"""A listener: a socket that is bound before anything else happens, and the server that is put on it later."""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import structlog
from aiohttp import web

from acs_bridge.errors import AcsBridgeError

_log = structlog.get_logger(__name__)

BACKLOG: Final = 4096
HANDSHAKE_SECONDS: Final = 15.0  # an old gateway on a slow line needs some of them
SHUTDOWN_SECONDS: Final = 2.0  # to say goodbye in TLS, which many do not


class CannotListen(AcsBridgeError):
    """An address is taken, or is not this machine's."""

    title = "The listener cannot be opened"


class WithoutContent(logging.Filter):
    """aiohttp's complaint about bytes that are no HTTP quotes them: that there were some is enough."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through, without its traceback."""
        record.exc_info = None
        return True


@dataclass(frozen=True, slots=True)
class Bound:
    """An address that is ours, and not served yet."""

    name: str
    socket: socket.socket
    tls: ssl.SSLContext | None = None  # what is spoken there, if not plain HTTP

    @property
    def host(self) -> str:
        """The address as it was asked for."""
        return str(self.socket.getsockname()[0])

    @property
    def port(self) -> int:
        """The port that it got."""
        return int(self.socket.getsockname()[1])

    @property
    def local_url(self) -> str:
        """How this machine reaches it over HTTP; where it listens everywhere, over the loopback."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 -- compared, not bound
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def bind(name: str, host: str, port: int, tls: ssl.SSLContext | None = None) -> Bound:
    """Take an address; port 0 takes a free one. Raises CannotListen in one line that names the setting."""
    setting = f"{name}_listener"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        both = family == socket.AF_INET6 and host == "::" and socket.has_dualstack_ipv6()
        taken = socket.create_server(address[:2], family=family, backlog=BACKLOG, dualstack_ipv6=both)
    except OSError as error:
        raise CannotListen(f"{setting}: cannot listen on {host} port {port}: {error.strerror or error}") from error
    return Bound(name, taken, tls)


class _Site(web.SockSite):
    """aiohttp's own, but for the time that TLS may take to begin and to end: who stalls must not pile up."""

    def __init__(self, runner: web.BaseRunner, bound: Bound) -> None:
        super().__init__(runner, bound.socket, ssl_context=bound.tls, backlog=BACKLOG)
        self._bound = bound

    async def start(self) -> None:
        """Take connections."""
        tls = self._bound.tls
        if tls is None or self._runner.server is None:
            await super().start()
            return
        await web.BaseSite.start(self)
        self._server = await asyncio.get_running_loop().create_server(
            self._runner.server,
            sock=self._bound.socket,
            ssl=tls,
            backlog=BACKLOG,
            ssl_handshake_timeout=HANDSHAKE_SECONDS,
            ssl_shutdown_timeout=SHUTDOWN_SECONDS,
        )


@asynccontextmanager
async def serving(bound: Bound, runner: web.BaseRunner) -> AsyncIterator[None]:
    """Serve until the block ends, then let the requests that are being answered finish."""
    await runner.setup()
    try:
        await _Site(runner, bound).start()
        _log.info("listening", listener=bound.name, host=bound.host, port=bound.port, tls=bound.tls is not None)
        yield
    finally:
        await runner.cleanup()
        _log.info("listener_closed", listener=bound.name)


def is_free(host: str, port: int) -> bool:
    """Whether a port could be bound at this moment."""
    try:
        socket.create_server((host, port)).close()
    except OSError:
        return False
    return True
