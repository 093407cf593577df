"""Ordinary requests: what is one, that it means what it means to aiohttp's parser, and how their connection goes on."""

import asyncio
import inspect
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aiohttp.http import HttpRequestParser
from hypothesis import example, given
from hypothesis import strategies as st

from acs_bridge.web import ordinary
from acs_bridge.web.device.answer import Answer
from acs_bridge.web.device.fields import Fields
from acs_bridge.web.ordinary import Head, OrdinaryProtocol, Seconds, _rest, read

START = b"POST /acs HTTP/1.1\r\n"
HOST = "Host: acs.example.net"


def request(*lines: str, body: bytes = b"<x/>", length: str | None = None) -> bytes:
    head = "\r\n".join((HOST, *lines, f"Content-Length: {len(body) if length is None else length}"))
    return START + head.encode("utf-8") + b"\r\n\r\n" + body


class _Nowhere:
    """What aiohttp's parser holds up when it has too much."""

    _reading_paused = False

    def pause_reading(self) -> None: ...

    def resume_reading(self, *, resume_parser: bool = True) -> None: ...


Meaning = tuple[str, str, list[tuple[str, str]], bytes, tuple[Any, ...]]


def small(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Their names in small letters: aiohttp spells those that it knows its own way."""
    return [(name.lower(), value) for name, value in headers]


def as_we_read(data: bytes) -> Meaning | None:
    found = read(data, START)
    if found is None:
        return None
    head, content = found
    fields = Fields.of_head(head)
    return "POST", "/acs", small(fields.headers.items()), content, fields[:-1]


def as_aiohttp_reads(data: bytes) -> Meaning:
    loop = asyncio.new_event_loop()
    try:
        parser: Any = HttpRequestParser(_Nowhere(), loop, 1 << 16, max_line_size=1 << 16, max_field_size=1 << 16)  # type: ignore[arg-type]
        messages, upgraded, rest = parser.feed_data(data)
        ((message, body),) = messages
        assert not upgraded
        assert not rest
        assert body.is_eof()
        assert not message.should_close
        assert message.version == (1, 1)
        return (
            message.method,
            message.path,
            small(message.headers.items()),
            b"" if body.at_eof() else body.read_nowait(),
            Fields.of(message.headers)[:-1],
        )
    finally:
        loop.close()


NAMES = st.sampled_from(
    [
        "Content-Type",
        "content-length",
        "Content-Length",
        "CONTENT-ENCODING",
        "Transfer-Encoding",
        "Connection",
        "Cookie",
        "Expect",
        "Upgrade",
        "Host",
        "SOAPAction",
        "Authorization",
        "Via",
        "x-real-ip",
        "X-Y",
        "X_Y",
        "Keep-Alive",
        "",
        "X Y",
    ]
) | st.text(max_size=8)
VALUES = (
    st.sampled_from(["", "4", "04", "+4", "chunked", "close", "keep-alive", "Keep-Alive", "100-continue", "a,b"])
    | st.text(max_size=12)
)  # fmt: skip
SEPARATORS = st.sampled_from([": ", ":", ":  ", " : ", "", ":\t", ": \r", "\r\n "])
FIELDS = st.lists(st.tuples(NAMES, SEPARATORS, VALUES), max_size=5)


@given(FIELDS, st.binary(max_size=6), st.sampled_from([b"", b"\r\n"]))
@example([("Content-Length", ": ", "4")], b"", b"")
@example([("Transfer-Encoding", ": ", "chunked")], b"", b"")
@example([("X", "", "\r\nTransfer-Encoding: chunked")], b"", b"")
def test_what_is_read_means_the_same_to_aiohttp(
    fields: list[tuple[str, str, str]], tail: bytes, front: bytes
) -> None:  # two readers that differ would let requests be smuggled
    lines = [name + separator + value for name, separator, value in fields]
    data = front + request(*lines).replace("\ud800".encode("utf-8", "surrogatepass"), b"?") + tail
    meaning = as_we_read(data)
    assert meaning is None or meaning == as_aiohttp_reads(data)


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("User-Agent: x", 'Content-Type: text/xml; charset="utf-8"', "SOAPAction: ", "Cookie: cwmpsid=00; a=b"),
        ("SOAPAction:", "connection: Keep-Alive"),
        ('Authorization: Digest username="x", realm="y"', "X-Forwarded-For: 192.0.2.1"),
    ],
)
def test_what_gateways_send_is_ordinary(lines: tuple[str, ...]) -> None:
    data = request(*lines)
    assert as_we_read(data) == as_aiohttp_reads(data)


@pytest.mark.parametrize(
    "data",
    [
        request()[:-1],
        request() + b"\r\n",
        request() + request(),
        request(length="+4"),
        request(length="4 4"),
        request(length="04"),
        request("Content-Length: 4"),
        request("Host: another"),
        request("Cookie: a=b", "Cookie: c=d"),
        request("Transfer-Encoding: chunked"),
        request("Transfer-encoding: identity"),
        request("Content-Encoding: gzip"),
        request("Expect: 100-continue"),
        request("Connection: close"),
        request("Connection: upgrade", "Upgrade: h2c"),
        request("X : y"),
        request("X"),
        request("X: y\r\n  z"),
        request("X: \x00"),
        request("X: ü"),
        request("X: a\rb"),
        request("X: a\nY: b"),
        request("X: y" + 40_000 * "y"),
        request("X: y" + 8_190 * "y"),
        request("Proxy-Connection: close"),
        request("Sec-WebSocket-Key1: x"),
        request(*(f"X-{number}: y" for number in range(40))),
        request().replace(HOST.encode() + b"\r\n", b""),
        request().replace(b"HTTP/1.1", b"HTTP/1.0"),
        request().replace(b"POST", b"PUT"),
        request().replace(b"/acs", b"/acs?x"),
        request().replace(b"\r\n", b"\n"),
        b"",
    ],
)
def test_what_is_odd_is_left_to_aiohttp(data: bytes) -> None:
    assert read(data, START) is None


async def test_what_is_left_of_a_request_is_a_coroutine_as_every_python_wants_it_of_a_task() -> None:
    """From Python 3.12 on a task takes nothing else: no gateway was served there."""

    async def work() -> Answer:
        await asyncio.sleep(0)
        return Answer.nothing()

    begun = work()
    rest = _rest(begun, begun.send(None))
    assert inspect.iscoroutine(rest)
    assert (await asyncio.create_task(rest)).status == 204


class Waiting:
    """A listener whose answers wait for as many things as a request says, and the last time for as long as it likes."""

    def __init__(self, *, ends: bool) -> None:
        self.ends = ends
        self.in_tasks: list[bool] = []

    def connected(self, speaker: OrdinaryProtocol, transport: asyncio.Transport) -> None: ...

    def disconnected(self, speaker: OrdinaryProtocol) -> None: ...

    def hand_over(self, speaker: OrdinaryProtocol, transport: asyncio.Transport, expires: float | None) -> Any:
        raise AssertionError("all of it is ordinary")

    async def answer(self, speaker: OrdinaryProtocol, head: Head, content: bytes) -> Answer:
        loop, waits = asyncio.get_running_loop(), int(content)
        for number in range(waits):
            thing: asyncio.Future[None] = loop.create_future()
            if self.ends or number + 1 < waits:
                loop.call_soon(thing.set_result, None)
            await thing
            self.in_tasks.append(asyncio.current_task() is not None)
        return Answer.nothing()

    def too_late(self, speaker: OrdinaryProtocol, head: Head) -> Answer:
        return Answer.plain(503, "too late")


@asynccontextmanager
async def asking(listener: Waiting, patience: float = 30.0) -> AsyncIterator[Callable[[int], Awaitable[int]]]:
    """Ask a listener on a real connection; the status comes back."""
    loop = asyncio.get_running_loop()
    seconds = Seconds(first_request=30.0, keep_alive=30.0, answer=patience)
    server = await loop.create_server(lambda: OrdinaryProtocol(listener, loop, START, seconds), "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())

        async def ask(waits: int) -> int:
            writer.write(request(body=str(waits).encode()))
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(len(b"too late") if b" 503 " in head else 0)
            return int(head.split()[1])

        yield ask
        writer.close()
        await writer.wait_closed()


class TestAnAnswer:
    async def test_has_a_task_only_where_it_waits_twice(self) -> None:
        listener = Waiting(ends=True)
        async with asking(listener) as ask:
            assert [await ask(waits) for waits in (0, 1, 3, 1)] == [204] * 4
        assert listener.in_tasks == [False, False, True, True, False]

    @pytest.mark.parametrize("waits", [1, 2])
    async def test_that_takes_too_long_is_broken_off_whatever_it_waits_for(self, waits: int) -> None:
        async with asking(Waiting(ends=False), patience=0.05) as ask:
            assert await ask(waits) == 503
            assert await ask(0) == 204


class Troubled:
    """A listener that does with each answer what its request says, and tells of itself."""

    def __init__(self) -> None:
        self.speaker: Any = None
        self.transport: Any = None
        self.served = asyncio.Queue[str]()
        self.began = asyncio.Event()
        self.goes_on = asyncio.Event()
        self.ahead = asyncio.Event()  # something has come before the answer to what came before it
        self.lost = asyncio.Event()
        self.ended = asyncio.Event()

    def connected(self, speaker: OrdinaryProtocol, transport: asyncio.Transport) -> None:
        self.speaker, self.transport = speaker, transport

    def disconnected(self, speaker: OrdinaryProtocol) -> None:
        self.ended.set()

    def hand_over(self, speaker: OrdinaryProtocol, transport: asyncio.Transport, expires: float | None) -> Any:
        raise AssertionError("nothing is to be handed over")

    async def answer(self, speaker: OrdinaryProtocol, head: Head, content: bytes) -> Answer:
        self.began.set()
        word, _, waits = content.decode().partition(" ")
        for _ in range(int(waits or "0")):
            await (self.goes_on.wait() if word == "held" else asyncio.sleep(0))
        self.served.put_nowait(word)
        if word == "mistake":
            raise RuntimeError
        if word == "cancelled":
            raise asyncio.CancelledError
        return Answer.plain(200, "x" * (60_000 if word == "large" else 1))

    def too_late(self, speaker: OrdinaryProtocol, head: Head) -> Answer:
        return Answer.plain(503, "too late")


class Watched(OrdinaryProtocol):
    """A connection that tells its listener more than it has to."""

    _listener: Troubled

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._ahead:
            self._listener.ahead.set()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._listener.lost.set()


@pytest.fixture
async def troubled() -> Troubled:
    return Troubled()


@asynccontextmanager
async def wire(
    listener: Troubled, keep_alive: float = 30.0
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    loop = asyncio.get_running_loop()
    mistakes: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: mistakes.append(context))
    seconds = Seconds(first_request=keep_alive, keep_alive=keep_alive, answer=30.0)
    server = await loop.create_server(lambda: Watched(listener, loop, START, seconds), "127.0.0.1", 0)
    async with server:
        # So little is read ahead that what is not read comes back to the sender soon.
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname(), limit=1024)
        yield reader, writer
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    loop.set_exception_handler(None)
    assert all(isinstance(each.get("exception"), RuntimeError | asyncio.CancelledError) for each in mistakes)


class TestTrouble:
    @pytest.mark.parametrize("word", ["mistake", "cancelled"])
    @pytest.mark.parametrize("waits", [0, 1, 2])
    async def test_of_ours_ends_the_connection(self, troubled: Troubled, word: str, waits: int) -> None:
        async with wire(troubled) as (reader, writer):
            writer.write(request(body=f"{word} {waits}".encode()))
            assert await reader.read() == b""
            await troubled.ended.wait()

    async def test_who_reads_no_answers_is_asked_for_no_further_request(self, troubled: Troubled) -> None:
        async with wire(troubled) as (reader, writer):
            asked = 0
            while not asked or troubled.transport.is_reading():
                writer.write(request(body=b"large"))
                await troubled.served.get()
                asked += 1
            writer.write(request(body=b"last"))
            for _ in range(asked + 1):
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(60_000 if b"60000" in head else 1)
            assert await troubled.served.get() == "last"

    async def test_who_never_reads_them_is_let_go(self, troubled: Troubled, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ordinary, "_FLUSH_SECONDS", 0.05)
        async with wire(troubled, keep_alive=0.5) as (_, writer):
            while not troubled.ended.is_set() and (troubled.transport is None or troubled.transport.is_reading()):
                writer.write(request(body=b"large"))
                await troubled.served.get()
            await troubled.ended.wait()
            assert troubled.transport.is_closing()

    async def test_of_who_is_gone_is_told_when_nothing_of_his_is_under_way(self, troubled: Troubled) -> None:
        async with wire(troubled) as (_, writer):
            writer.write(request(body=b"held 1"))
            await troubled.began.wait()
            at_once = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
            writer.transport.abort()
            await troubled.lost.wait()
            assert not troubled.ended.is_set()
            troubled.goes_on.set()
            await troubled.ended.wait()
            assert troubled.served.get_nowait() == "held"

    async def test_at_the_end_what_is_under_way_is_answered_and_nothing_after_it(self, troubled: Troubled) -> None:
        async with wire(troubled) as (reader, writer):
            writer.write(request(body=b"held 1"))
            await troubled.began.wait()
            writer.write(request(body=b"next"))
            await troubled.ahead.wait()
            troubled.speaker.finish()
            troubled.goes_on.set()
            assert (await reader.read()).count(b"HTTP/1.1 200") == 1
            assert troubled.served.qsize() == 1
