"""A gateway's own connection to its ACS: one POST at a time over HTTP/1.1, plain or TLS.

Deliberately smaller than an HTTP client: no pool, no redirects, no cookies, no compression. A gateway never shares a
connection, and a session costs a quarter of what it costs through a general client, which is what lets thousands of
gateways run beside the daemon that they load.
"""

import asyncio
import re
import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import cast
from urllib.parse import urlsplit

_LINE_BREAK = re.compile(r"[\r\n\0]")
_HEAD_LIMIT = 65536
_BODY_LIMIT = 8 * 1024 * 1024
_CONTINUE_CLASS = 1
_NO_BODY = frozenset({204, 304})
_DEFAULT_PORTS = {"http": 80, "https": 443}

Headers = tuple[tuple[str, str], ...]


class LineError(Exception):
    """The ACS could not be reached, went away, or did not speak HTTP."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an ACS URL leads."""

    host: str
    port: int
    target: str
    tls: bool
    authority: str

    @staticmethod
    @lru_cache(maxsize=64)
    def of(url: str) -> "Endpoint":
        """Take a URL apart; ValueError when it is not one that a gateway can post to."""
        parts = urlsplit(url)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise ValueError("the ACS URL must be http://host… or https://host…")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        port = parts.port or _DEFAULT_PORTS[parts.scheme]
        authority = parts.netloc.rpartition("@")[2]
        return Endpoint(parts.hostname, port, target, parts.scheme == "https", authority)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What came back: the status, the headers in order with names in lower case, and the whole body."""

    status: int
    headers: Headers
    body: bytes = field(repr=False)

    def every(self, name: str) -> tuple[str, ...]:
        """Return all values of the header `name` (in lower case)."""
        return tuple(value for key, value in self.headers if key == name)


@lru_cache(maxsize=1)
def _system_trust() -> ssl.SSLContext:
    """Read the system's roots once: that takes longer than a whole session."""
    return ssl.create_default_context()


class Line:
    """One connection at a time to one ACS; it connects when the next POST needs it."""

    def __init__(self, endpoint: Endpoint, tls: ssl.SSLContext | None = None) -> None:
        """`tls` is what the gateway trusts and shows; without it an https ACS is checked against the system's roots."""
        self._endpoint = endpoint
        self._tls = (tls or _system_trust()) if endpoint.tls else None
        self._reader: _ResponseReader | None = None

    @property
    def tls(self) -> bool:
        """Whether what is said on it is encrypted."""
        return self._tls is not None

    @property
    def target(self) -> str:
        """What stands in the request line, and in the answer to a challenge."""
        return self._endpoint.target

    async def post(self, body: bytes, headers: Iterable[tuple[str, str]]) -> HttpResponse:
        """Send one POST and return its whole response."""
        reader = await self._connected()
        try:
            return await reader.post(self._head(headers, len(body)) + body)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the connection at once, with whatever is under way on it."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    async def _connected(self) -> "_ResponseReader":
        if self._reader is None or self._reader.is_lost:
            loop = asyncio.get_running_loop()
            to = self._endpoint
            try:
                _, self._reader = await loop.create_connection(_ResponseReader, to.host, to.port, ssl=self._tls)
            except OSError as error:
                raise LineError(f"cannot connect to {to.host}:{to.port}: {error}") from error
        return self._reader

    def _head(self, headers: Iterable[tuple[str, str]], length: int) -> bytes:
        lines = [f"POST {self._endpoint.target} HTTP/1.1", f"Host: {self._endpoint.authority}"]
        lines += [f"{name}: {value}" for name, value in headers]
        if any(_LINE_BREAK.search(line) for line in lines):
            raise LineError("a header cannot have a line break in it")
        return "\r\n".join((*lines, f"Content-Length: {length}", "\r\n")).encode()


class _ResponseReader(asyncio.Protocol):
    """The bytes of one connection, read as the response to the POST that was written last."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._waiting: asyncio.Future[HttpResponse] | None = None

    @property
    def is_lost(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def post(self, request: bytes) -> HttpResponse:
        if self._transport is None:
            raise LineError("the ACS closed the connection")
        self._received.clear()
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # which is what a stream protocol is given

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._read(at_end=False)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._read(at_end=True)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(LineError(f"the ACS closed the connection: {exc or 'no answer'}"))

    def _read(self, *, at_end: bool) -> None:
        if self._waiting is None or self._waiting.done():
            return
        try:
            response = _response(self._received, at_end=at_end)
        except (ValueError, IndexError):
            self._waiting.set_exception(LineError("the ACS did not answer in HTTP"))
            return
        if response is not None:
            self._waiting.set_result(response)
            if "close" in " ".join(response.every("connection")).lower():
                self.close()


def _response(received: bytearray, *, at_end: bool) -> HttpResponse | None:
    """Return the response as soon as it is whole; interim ones are dropped. ValueError or IndexError: not HTTP."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        _within(len(received), _HEAD_LIMIT)
        return None
    status_line, *lines = received[:end].decode("latin-1").split("\r\n")
    status = int(status_line.split(" ", 2)[1])
    start = end + len(b"\r\n\r\n")
    if status // 100 == _CONTINUE_CLASS:
        del received[:start]
        return _response(received, at_end=at_end)
    headers = tuple(_headers(lines))
    body = b"" if status in _NO_BODY else _body(received, start, dict(headers), at_end=at_end)
    return None if body is None else HttpResponse(status, headers, body)


def _headers(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        name, _, value = line.partition(":")
        yield name.strip().lower(), value.strip()


def _body(received: bytearray, start: int, headers: dict[str, str], *, at_end: bool) -> bytes | None:
    _within(len(received) - start, _BODY_LIMIT)
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return _chunks(received, start)
    if "content-length" in headers:
        end = start + int(headers["content-length"])
        return bytes(received[start:end]) if len(received) >= end else None
    return bytes(received[start:]) if at_end else None


def _chunks(received: bytearray, position: int) -> bytes | None:
    """Join the chunks from `position` on; None until the last one and its trailer are there."""
    parts: list[bytes] = []
    while (line_end := received.find(b"\r\n", position)) >= 0:
        size = int(bytes(received[position:line_end]).partition(b";")[0], 16)
        start = line_end + len(b"\r\n")
        if size == 0:
            return b"".join(parts) if received.endswith(b"\r\n\r\n") else None
        position = start + size + len(b"\r\n")
        parts.append(bytes(received[start : start + size]))
    return None


def _within(size: int, limit: int) -> None:
    if size > limit:
        raise ValueError("the response is too long")
