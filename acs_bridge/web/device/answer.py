"""The three answers that gateways get all day, as bytes in one write.

aiohttp's own Response finds out for each answer what is the same for all of these (no compression, no chunks, a length
that is known), which costs more than everything else that it does for a request.
"""

from collections.abc import Sequence
from typing import Final

from aiohttp import HttpVersion10, web
from aiohttp.helpers import rfc822_formatted_time

from acs_bridge.web.device.protocol import SERVER

_XML: Final = 'text/xml; charset="utf-8"'
_FAILURES: Final = 400  # from here on
_MESSAGE: Final = f" 200 OK\r\nServer: {SERVER}\r\nContent-Type: {_XML}\r\n"
_NOTHING: Final = f" 204 No Content\r\nServer: {SERVER}\r\n"
_CHALLENGE: Final = f" 401 Unauthorized\r\nServer: {SERVER}\r\nContent-Type: text/plain; charset=utf-8\r\n"


class Answer(web.StreamResponse):
    """A whole answer to a POST. Whatever is put into its head has to be ours, and without line breaks."""

    def __init__(self, status: int, head: str, body: bytes = b"", *, close: bool = False) -> None:
        """`head` is the rest of the status line and the headers, but for those that depend on the request."""
        # Nothing of the base is called, which would only make what is not needed here: headers, cookies, a state.
        self._status = status
        self._head = head
        self._content = body
        self._keep_alive = False if close else None

    @classmethod
    def message(cls, body: bytes, cookie: str | None = None) -> "Answer":
        """A message, and the cookie of a session that has begun."""
        fields = "" if cookie is None else f"Set-Cookie: {cookie}\r\n"
        return cls(200, f"{_MESSAGE}{fields}Content-Length: {len(body)}\r\n", body)

    @classmethod
    def nothing(cls, *, as_200: bool = False) -> "Answer":
        """There is nothing to send: 204 without a body (TR-069a6 3.4.6), or 200 for who does not know that."""
        return cls(200, f"{_MESSAGE}Content-Length: 0\r\n") if as_200 else cls(204, _NOTHING)

    @classmethod
    def challenge(cls, challenges: Sequence[str], *, close: bool) -> "Answer":
        """Say who you are, in one of these ways."""
        fields = "".join([f"WWW-Authenticate: {challenge}\r\n" for challenge in challenges])
        return cls(401, f"{_CHALLENGE}{fields}Content-Length: 0\r\n", close=close)

    @property
    def is_the_end(self) -> bool:
        """Whether this ends a session: it says that there is nothing more."""
        return not self._content and self._status < _FAILURES

    @property
    def content(self) -> bytes:
        """Its body."""
        return self._content

    def fields(self) -> list[tuple[str, str]]:
        """Its headers, but for those that depend on the request."""
        pairs = [line.partition(": ") for line in self._head.split("\r\n")[1:]]
        return [(name, value) for name, separator, value in pairs if separator]

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
        head = f"HTTP/{version[0]}.{version[1]}{self._head}Date: {rfc822_formatted_time()}\r\n{connection}\r\n"
        transport.write(head.encode("utf-8", "surrogateescape") + self._content)

    async def write_eof(self, data: bytes = b"") -> None:
        """It has been sent as a whole."""
