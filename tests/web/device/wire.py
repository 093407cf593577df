"""A gateway on a raw socket: every byte of a request is the test's own, and every byte of an answer is looked at."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count

from cwmp import digest
from cwmp.envelope import Envelope, read, write
from cwmp.messages import (
    DeviceId,
    EventStruct,
    GetParameterValues,
    GetParameterValuesResponse,
    Inform,
    Message,
    ParameterValueStruct,
    SetParameterValues,
    SetParameterValuesResponse,
)
from tests.web.device.conftest import BOOTSTRAP, OUI

NAMESPACE = "urn:dslforum-org:cwmp-1-2"
XML = ("Content-Type", 'text/xml; charset="utf-8"')
PATIENCE = 10.0

Header = tuple[str, str]
Authorize = Callable[[], Header]


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: tuple[Header, ...]
    body: bytes

    def every(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def get(self, name: str) -> str | None:
        return next(iter(self.every(name)), None)

    @property
    def cookie(self) -> str:
        """As a gateway returns it."""
        return (self.get("set-cookie") or "").partition(";")[0]

    @property
    def envelope(self) -> Envelope:
        return read(self.body)

    @property
    def message(self) -> Message:
        return self.envelope.message

    @property
    def id(self) -> str | None:
        return self.envelope.header.id


class Wire:
    """One TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes, *, piece: int | None = None) -> None:
        """Send bytes, in segments of `piece` bytes."""
        for start in range(0, len(data), piece or len(data) or 1):
            self._writer.write(data[start : start + (piece or len(data))])
            await self._writer.drain()
            if piece:
                await asyncio.sleep(0)

    async def answer(self, *, to_head: bool = False) -> Answer:
        """Read one answer; what follows it stays in the stream, and would be seen by the next reading."""
        async with asyncio.timeout(PATIENCE):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status_line, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
            headers = tuple((name.lower(), value) for name, value in (line.split(": ", 1) for line in lines))
            status = int(status_line.split(" ")[1])
            length = int(dict(headers).get("content-length", "0"))
            empty = to_head or status < 200 or status == 204
            body = b"" if empty else await self._reader.readexactly(length)
        return Answer(status, headers, body)

    async def ask(self, data: bytes, *, piece: int | None = None, to_head: bool = False) -> Answer:
        await self.send(data, piece=piece)
        return await self.answer(to_head=to_head)

    async def post(self, body: bytes = b"", *headers: Header, **rest: str) -> Answer:
        return await self.ask(request(body, *headers, **rest))

    async def is_closed(self) -> bool:
        """Whether the other side closes, having sent nothing more."""
        async with asyncio.timeout(PATIENCE):
            return await self._reader.read(1) == b""

    def send_no_more(self) -> None:
        """Close this half of the connection, and stay to read."""
        self._writer.write_eof()

    async def close(self) -> None:
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()


@asynccontextmanager
async def connected(port: int, *, source: str = "127.0.0.1") -> AsyncIterator[Wire]:
    """One connection, from an address of this machine."""
    wire = Wire(*await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0)))
    try:
        yield wire
    finally:
        await wire.close()


def request(
    body: bytes = b"",
    *headers: Header,
    method: str = "POST",
    target: str = "/acs",
    version: str = "HTTP/1.1",
    length: str | None = "",
) -> bytes:
    """One request. `length` "" is the right one, None is no such header."""
    lines = [f"{method} {target} {version}", "Host: acs.example.net"]
    lines += [f"{name}: {value}" for name, value in headers]
    if length is not None:
        lines.append(f"Content-Length: {length or len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def chunked(body: bytes, *, size: int = 1, extension: str = "", trailer: str = "") -> bytes:
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(
        [
            *(f"{len(chunk):x}{extension}\r\n".encode() + chunk + b"\r\n" for chunk in chunks),
            f"0{extension}\r\n{trailer}\r\n".encode(),
        ]
    )


def packed(text: bytes) -> bytes:
    return gzip.compress(text, mtime=0)


def answered(
    challenge: str,
    *,
    target: str = "/acs",
    username: str = BOOTSTRAP.username,
    password: str = BOOTSTRAP.password,
    number: int = 1,
) -> Header:
    """The Authorization that a challenge asks for."""
    asked = digest.Challenge.parse(challenge)
    assert asked is not None
    shown = digest.answer(asked, username, password, method="POST", uri=target, cnonce="0a4f113b", count=number)
    return ("Authorization", shown.render())


async def challenge_of(wire: Wire) -> str:
    """What an empty POST without credentials is asked for."""
    answer = await wire.post()
    assert answer.status == 401
    return answer.get("www-authenticate") or ""


async def login(port: int, *, source: str = "127.0.0.1", target: str = "/acs") -> Authorize:
    """Fetch a challenge once, and answer it as often as wanted, on whatever connection from this address."""
    async with connected(port, source=source) as wire:
        challenge = await challenge_of(wire)
    numbers = count(1)
    return lambda: answered(challenge, target=target, number=next(numbers))


@dataclass
class Cpe:
    """What a gateway says, by the book: it keeps a cookie, and holds what it is told to."""

    serial: str = "S1"
    root: str = "Device."
    cookie: str = ""
    values: dict[str, str] = field(default_factory=dict)
    parameter_key: str = ""

    def inform(self, events: Iterable[str] = ("2 PERIODIC",), **headers: str) -> bytes:
        parameters = {
            "DeviceInfo.SoftwareVersion": "1.0",
            "DeviceInfo.HardwareVersion": "h1",
            "ManagementServer.ParameterKey": self.parameter_key,
            "ManagementServer.ConnectionRequestURL": "http://192.0.2.1:7547/",
        }
        message = Inform(
            DeviceId("Example", OUI, "SimGW", self.serial),
            tuple(EventStruct(event) for event in events),
            tuple(ParameterValueStruct(self.root + name, value) for name, value in parameters.items()),
        )
        return write(message, namespace=NAMESPACE, id="inform-1", **headers)  # type: ignore[arg-type]

    def headers(self) -> tuple[Header, ...]:
        return (("Cookie", self.cookie),) if self.cookie else ()

    async def open(self, wire: Wire, authorize: Authorize | None = None) -> Answer:
        """Inform."""
        if authorize is None:
            challenged = await wire.post(self.inform(), XML, *self.headers())
            assert challenged.status == 401
            authorization = answered(challenged.get("www-authenticate") or "")
        else:
            authorization = authorize()
        answer = await wire.post(self.inform(), XML, authorization, *self.headers())
        assert answer.status == 200, answer
        self.cookie = answer.cookie
        return answer

    async def empty(self, wire: Wire, *headers: Header) -> Answer:
        return await wire.post(b"", *self.headers(), *headers)

    async def say(self, wire: Wire, message: Message, id: str | None, *headers: Header) -> Answer:
        body = write(message, namespace=NAMESPACE, id=id)
        return await wire.post(body, XML, *self.headers(), *headers)

    def carried_out(self, request: Message) -> Message:
        """The response to what the ACS asked."""
        if isinstance(request, SetParameterValues):
            self.values |= {parameter.name: parameter.value for parameter in request.parameters}
            self.parameter_key = request.parameter_key
            return SetParameterValuesResponse(0)
        assert isinstance(request, GetParameterValues)
        return GetParameterValuesResponse(
            tuple(ParameterValueStruct(name, self.values.get(name, "")) for name in request.names)
        )

    async def obey(self, wire: Wire, asked: Answer, *headers: Header) -> Answer:
        """Carry out a request, and hear what comes next."""
        return await self.say(wire, self.carried_out(asked.message), asked.id, *headers)

    async def finish(self, wire: Wire, asked: Answer, *headers: Header) -> list[Message]:
        """Serve the ACS until it has nothing more to ask: what it asked."""
        served: list[Message] = []
        while asked.status == 200:
            served.append(asked.message)
            asked = await self.obey(wire, asked, *headers)
        assert asked.status == 204, asked
        return served

    async def session(self, wire: Wire, authorize: Authorize | None = None) -> list[str]:
        """One whole session: the names of what the ACS asked."""
        await self.open(wire, authorize)
        return [type(each).__name__ for each in await self.finish(wire, await self.empty(wire))]
