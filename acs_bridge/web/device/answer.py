"""Answers to gateways as bytes in one write.

aiohttp's own Response finds out for each answer what is the same for all of these (no compression, no chunks, a length
that is known), which costs more than everything else that it does for a request.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from aiohttp.helpers import rfc822_formatted_time

SERVER: Final = "acs-bridge"  # who answers, and nothing of what it is made of
_FAILURES: Final = 400  # from here on
_XML: Final = f' 200 OK\r\nServer: {SERVER}\r\nContent-Type: text/xml; charset="utf-8"\r\n'
_NOTHING: Final = f" 204 No Content\r\nServer: {SERVER}\r\n"
_CHALLENGE: Final = f" 401 Unauthorized\r\nServer: {SERVER}\r\nContent-Type: text/plain; charset=utf-8\r\n"


class Answer:
    """A whole answer to a POST. Whatever is put into its head has to be ours, and without line breaks."""

    __slots__ = ("_head", "close", "content", "is_the_end", "status")

    def __init__(self, status: int, head: str, content: bytes = b"", *, close: bool = False) -> None:
        """`head` is the rest of the status line and the headers, but for those that depend on the request."""
        self.status = status
        self.content = content
        self.close = close  # the connection with it
        self.is_the_end = not content and status < _FAILURES  # of a session: it says that there is nothing more
        self._head = head

    @classmethod
    def message(cls, content: bytes, cookie: str | None = None) -> "Answer":
        """A message, and the cookie of a session that has begun."""
        fields = "" if cookie is None else f"Set-Cookie: {cookie}\r\n"
        return cls(200, f"{_XML}{fields}Content-Length: {len(content)}\r\n", content)

    @classmethod
    def nothing(cls, *, as_200: bool = False) -> "Answer":
        """There is nothing to send: 204 without a body (TR-069a6 3.4.6), or 200 for who does not know that."""
        return cls(200, f"{_XML}Content-Length: 0\r\n") if as_200 else cls(204, _NOTHING)

    @classmethod
    def challenge(cls, challenges: Sequence[str], *, close: bool) -> "Answer":
        """Say who you are, in one of these ways."""
        fields = "".join([f"WWW-Authenticate: {challenge}\r\n" for challenge in challenges])
        return cls(401, f"{_CHALLENGE}{fields}Content-Length: 0\r\n", close=close)

    @classmethod
    def plain(cls, status: int, words: str, *fields: str, close: bool = False) -> "Answer":
        """Words for a person, with more header lines where they are needed."""
        content = words.encode()
        lines = (
            f" {status} {HTTPStatus(status).phrase}",
            f"Server: {SERVER}",
            "Content-Type: text/plain; charset=utf-8",
            *fields,
            f"Content-Length: {len(content)}",
        )
        return cls(status, "\r\n".join(lines) + "\r\n", content, close=close)

    def fields(self) -> list[tuple[str, str]]:
        """Its headers, but for those that depend on the request."""
        pairs = [line.partition(": ") for line in self._head.split("\r\n")[1:]]
        return [(name, value) for name, separator, value in pairs if separator]

    def written(self) -> bytes:
        """The whole of it, as the one of an ordinary request is sent."""
        return self.head() + self.content

    def head(self, version: str = "1.1", connection: str = "") -> bytes:
        """What stands before its content. `connection` is the header line that says whether the connection stays."""
        if self.close and not connection:
            connection = "Connection: close\r\n"
        head = f"HTTP/{version}{self._head}Date: {rfc822_formatted_time()}\r\n{connection}\r\n"
        return head.encode("utf-8", "surrogateescape")
