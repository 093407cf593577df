"""A listener: a socket that is bound before anything else happens, and the server that is put on it later."""

import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import structlog
from aiohttp import web

from acs_bridge.errors import AcsBridgeError

_log = structlog.get_logger(__name__)

BACKLOG: Final = 4096


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


def bind(name: str, host: str, port: int) -> Bound:
    """Take an address; port 0 takes a free one. Raises CannotListen in one line that names the setting."""
    setting = f"{name}_listener"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        both = family == socket.AF_INET6 and host == "::" and socket.has_dualstack_ipv6()
        return Bound(name, socket.create_server(address[:2], family=family, backlog=BACKLOG, dualstack_ipv6=both))
    except OSError as error:
        raise CannotListen(f"{setting}: cannot listen on {host} port {port}: {error.strerror or error}") from error


@asynccontextmanager
async def serving(bound: Bound, runner: web.BaseRunner) -> AsyncIterator[None]:
    """Serve until the block ends, then let the requests that are being answered finish."""
    await runner.setup()
    try:
        await web.SockSite(runner, bound.socket, backlog=BACKLOG).start()
        _log.info("listening", listener=bound.name, host=bound.host, port=bound.port)
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
