"""One connection request: an HTTP GET with Digest to an address that was checked (TR-069 3.2.2).

Written for what gateways answer, which general clients refuse: challenges without commas, headers that are folded or
end in bare line feeds, a connection that closes after the 401, a 401 without a length. It follows no redirect, asks no
proxy, reads at most 64 KiB in all, and tries a password once; how long that may take is its caller's affair.
"""

import asyncio
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Self

from acs_bridge.domain.credentials import Pair
from acs_bridge.domain.networks import Address
from acs_bridge.domain.ring import RingResult
from acs_bridge.services.doorbell.address import Bell
from cwmp.digest import Challenge, answer

BYTES: Final = 65_536
SAME_LINE_SECONDS: Final = 3.0
"""How long a gateway that kept its connection open may be silent on it, before it is asked on a new one."""

_STATUS = re.compile(rb"HTTP/[0-9](?:\.[0-9])?[ \t]+([0-9]{3})(?![0-9])")
_LENGTH = re.compile(r"[0-9]{1,9}")
_BUSY = frozenset((HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE))
_METHOD: Final = "GET"
_LOGINS: Final = 2
_LINE_BREAK: Final = b"\n"
_INFORMATIONAL: Final = 1
_SUCCESS: Final = 2
_PIECE: Final = 4096


@dataclass(frozen=True, slots=True)
class Rung:
    """How a ring ended, and the last status that was heard."""

    result: RingResult
    http_status: int | None = None


class _Gone(Exception):
    """The connection ended before an answer began."""


class _NoHttp(Exception):
    """What was said is no HTTP, or too much of it."""


async def ring(
    bell: Bell,
    address: Address,
    pair: Pair | None,
    new_cnonce: Callable[[], str],
    *,
    basic: bool = False,
    same_line_seconds: float = SAME_LINE_SECONDS,
) -> Rung:
    """Ring a gateway at an address. Raises nothing but CancelledError and TimeoutError; `basic` allows what it says."""
    caller = _Caller(bell, address, same_line_seconds)
    try:
        return await _ring(caller, _Login(bell.target, pair, new_cnonce, basic=basic))
    except ConnectionRefusedError:
        return Rung(RingResult.REFUSED)
    except TimeoutError:  # the system's own, or the caller's
        raise
    except OSError:
        return Rung(RingResult.UNREACHABLE)
    except (_Gone, _NoHttp):
        return Rung(RingResult.ODD_ANSWER)
    finally:
        caller.close()


async def _ring(caller: "_Caller", login: "_Login") -> Rung:
    heard = await caller.ask(None)
    for _ in range(_LOGINS):
        if heard.status != HTTPStatus.UNAUTHORIZED:
            return _judged(heard.status)
        if not login.challenged(heard):
            return Rung(RingResult.NO_PASSWORD, heard.status)
        lines = caller.lines
        heard = await caller.ask_again(login)
        if caller.lines == lines and not login.is_stale(heard):
            break  # on a new connection one that ties its nonces to it asks anew
    if heard.status == HTTPStatus.UNAUTHORIZED:
        return Rung(RingResult.WRONG_PASSWORD, heard.status)
    return _judged(heard.status)


def _judged(status: int) -> Rung:
    if status // 100 == _SUCCESS:
        return Rung(RingResult.RUNG, status)
    return Rung(RingResult.BUSY if status in _BUSY else RingResult.ODD_ANSWER, status)


@dataclass(frozen=True, slots=True)
class _Heard:
    """The head of an answer."""

    status: int
    headers: tuple[tuple[str, str], ...]

    def every(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


class _Login:
    """A pair and the challenge that it answers; a count of a nonce is never used twice."""

    def __init__(self, target: str, pair: Pair | None, new_cnonce: Callable[[], str], *, basic: bool) -> None:
        self._target = target
        self._pair = pair
        self._new_cnonce = new_cnonce
        self._basic_allowed = basic
        self._challenge: Challenge | None = None
        self._cnonce = ""
        self._count = 0

    def challenged(self, heard: _Heard) -> bool:
        """Take a challenge; false when we have no answer to it."""
        headers = heard.every("www-authenticate")
        self._challenge = next(filter(None, map(Challenge.parse, headers)), None)
        self._cnonce = self._new_cnonce()
        self._count = 0
        basic = self._basic_allowed and any(header.lower().startswith("basic") for header in headers)
        return self._pair is not None and (self._challenge is not None or basic)

    def is_stale(self, heard: _Heard) -> bool:
        """Tell whether a gateway only wants the same once more, for another nonce."""
        challenges = filter(None, map(Challenge.parse, heard.every("www-authenticate")))
        return any(challenge.stale for challenge in challenges)

    def authorization(self) -> str:
        """Answer the challenge, for the first time or once more."""
        if self._pair is None:
            raise RuntimeError("only a challenge that has an answer is answered")
        username, password = self._pair.username, self._pair.password
        if self._challenge is None:
            return "Basic " + b64encode(f"{username}:{password}".encode()).decode("ascii")
        self._count += 1
        return answer(
            self._challenge,
            username,
            password,
            method=_METHOD,
            uri=self._target,
            cnonce=self._cnonce,
            count=self._count,
        ).render()


class _Caller:
    """Asks on the connection that is open, else on a new one; at most so many bytes come back in all."""

    def __init__(self, bell: Bell, address: Address, same_line_seconds: float) -> None:
        self._bell = bell
        self._address = address
        self._same_line_seconds = same_line_seconds
        self._allowance = _Allowance(BYTES)
        self.lines = 0
        """How many connections were opened."""
        self._line: _Line | None = None

    async def ask(self, authorization: str | None) -> _Heard:
        if self._line is None:
            self.lines += 1
            self._line = await _Line.to(str(self._address), self._bell.port, self._allowance)
        heard = await self._line.ask(self._request(authorization))
        if self._line.is_over:
            self.close()
        return heard

    async def ask_again(self, login: _Login) -> _Heard:
        """Ask with credentials: on the connection of the challenge, and where that is of no use on a new one."""
        if self._line is not None:
            try:
                async with asyncio.timeout(self._same_line_seconds):
                    return await self.ask(login.authorization())
            except (_Gone, ConnectionError, TimeoutError):
                self.close()
        return await self.ask(login.authorization())

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def _request(self, authorization: str | None) -> bytes:
        lines = [f"{_METHOD} {self._bell.target} HTTP/1.1", f"Host: {self._bell.authority}"]
        if authorization is not None:
            lines.append(f"Authorization: {authorization}")
        return "\r\n".join([*lines, "User-Agent: acs-bridge", "Accept: */*", "", ""]).encode("utf-8", "replace")


@dataclass(slots=True)
class _Allowance:
    """How much a gateway may still say."""

    left: int

    def take(self, data: bytes) -> None:
        self.left -= len(data)
        if self.left < 0:
            raise _NoHttp


class _Line:
    """One TCP connection to a gateway."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, allowance: _Allowance) -> None:
        self._reader = reader
        self._writer = writer
        self._allowance = allowance
        self._rest = b""
        self._skip = 0
        self.is_over = False

    @classmethod
    async def to(cls, host: str, port: int, allowance: _Allowance) -> Self:
        return cls(*await asyncio.open_connection(host, port), allowance)

    def close(self) -> None:
        """At once: nothing that is still under way is wanted."""
        self._writer.transport.abort()

    async def ask(self, request: bytes) -> _Heard:
        self._writer.write(request)
        await self._writer.drain()
        await self._pass_over_a_body()
        status = await self._status()
        while status // 100 == _INFORMATIONAL:
            await self._headers()
            status = await self._status()
        heard = _Heard(status, await self._headers())
        self._note_the_end(heard)
        return heard

    async def _pass_over_a_body(self) -> None:
        """What is left of the answer before, as far as its length was told."""
        while self._skip:
            if not self._rest:
                self._rest = await self._more()
            skipped = min(self._skip, len(self._rest))
            self._rest = self._rest[skipped:]
            self._skip -= skipped

    async def _status(self) -> int:
        """Find a status line. What stands before it is left of a body whose length was not told."""
        heard_something = False
        while True:
            try:
                line = await self._text_line()
            except (_Gone, ConnectionError):
                if heard_something:
                    raise _NoHttp from None
                raise _Gone from None
            found = _STATUS.search(line)
            if found is not None:
                return int(found[1])
            heard_something = heard_something or bool(line)

    async def _headers(self) -> tuple[tuple[str, str], ...]:
        """Read as many headers as there are: some end the connection where an empty line should stand."""
        lines: list[str] = []
        try:
            while line := (await self._text_line()).decode("latin-1"):
                if lines and line[0] in " \t":
                    lines[-1] += f" {line.strip()}"
                else:
                    lines.append(line)
        except (_Gone, ConnectionError):
            self.is_over = True
        split = (line.partition(":") for line in lines)
        return tuple((name.strip().lower(), value.strip()) for name, _, value in split)

    def _note_the_end(self, heard: _Heard) -> None:
        length = next(iter(heard.every("content-length")), "0")
        self._skip = int(length) if _LENGTH.fullmatch(length) else 0
        closes = any("close" in value.lower() for value in heard.every("connection"))
        self.is_over = self.is_over or closes or self._skip > self._allowance.left

    async def _text_line(self) -> bytes:
        while _LINE_BREAK not in self._rest:
            self._rest += await self._more()
        line, _, self._rest = self._rest.partition(_LINE_BREAK)
        return line.rstrip(b"\r")

    async def _more(self) -> bytes:
        data = await self._reader.read(_PIECE)
        if not data:
            raise _Gone
        self._allowance.take(data)
        return data
