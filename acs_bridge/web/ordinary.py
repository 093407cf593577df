"""Ordinary requests: a POST to one path with a plain head and its body, which nearly all are where much comes in.

aiohttp's server is made for every request that HTTP allows, and spends more on one of these than everything else does
that happens to it. Here they are read in one piece and answered in one piece. What is not ordinary in any way, be it
harmless, is not refused: the connection is handed to aiohttp with what has arrived, and stays there.
"""

import asyncio
from asyncio import AbstractEventLoop, BaseTransport, CancelledError, Future, TimerHandle, Transport
from collections.abc import Coroutine, Generator, Mapping
from contextvars import copy_context
from functools import partial
from types import coroutine
from typing import Any, Final, NamedTuple, Protocol, TypeAlias, cast

from multidict import istr

LONGEST_HEAD: Final = 32 * 1024  # bytes, of the request line and all headers

Header: TypeAlias = tuple[istr, str]
"""A name as it was spelled, and a value."""
Head: TypeAlias = Mapping[str, Header]
"""The headers of a request by their names in small letters."""

_MOST_HEADERS: Final = 32  # more are not ordinary
_MOST_NAMES: Final = 512
_LONGEST_NAME: Final = 64
_MOST_LINES: Final = 512
_LONGEST_KEPT: Final = 128
_LONGEST_LINE: Final = 8190  # aiohttp takes no longer value, unless it is told to
# What else may follow from these than that the body has so many bytes is for aiohttp to find out.
_ODD: Final = frozenset(
    (
        "transfer-encoding",
        "content-encoding",
        "expect",
        "upgrade",
        "te",
        "trailer",
        "proxy-connection",
        "sec-websocket-key1",
    )
)
_NEVER_THE_SAME: Final = frozenset(("authorization", "cookie"))
_GOES_ON: Final = "keep-alive"
_FLUSH_SECONDS: Final = 5.0  # for the last answers to be read, once the time is up


class _Odd(Exception):
    """Something is not ordinary."""


class _Names(dict[str, tuple[str, istr] | None]):
    """Names of headers that were seen before, in small letters and as they were spelled; None for an odd one."""

    def __missing__(self, name: str) -> tuple[str, istr] | None:
        if len(name) > _LONGEST_NAME:
            return None
        small = name.lower()
        known = (small, istr(name)) if name.replace("-", "").isalnum() and small not in _ODD else None
        if len(self) >= _MOST_NAMES:
            self.clear()  # whoever makes names up must not keep out those of honest gateways
        self[name] = known
        return known


class _Lines(dict[str, tuple[str, Header]]):
    """Lines of heads that were seen before: a gateway sends most of them again and again. What is odd is not kept."""

    def __missing__(self, line: str) -> tuple[str, Header]:
        name, colon, value = line.partition(":")
        known = _NAMES[name]
        plain = line.isprintable() and line.isascii() and len(line) <= _LONGEST_LINE
        if known is None or not colon or not plain:
            raise _Odd
        small, spelled = known
        value = value.strip()
        if small == "connection" and value.lower() != _GOES_ON:
            raise _Odd
        found = small, (spelled, value)
        if small not in _NEVER_THE_SAME and len(line) <= _LONGEST_KEPT:
            if len(self) >= _MOST_LINES:
                self.clear()
            self[line] = found
        return found


_NAMES: Final = _Names()
_LINES: Final = _Lines()


def read(data: bytes, start: bytes) -> tuple[Head, bytes] | None:
    """Read a whole request that begins with this line: head and body. None where anything of it is not ordinary."""
    end = data.find(b"\r\n\r\n", 0, LONGEST_HEAD)
    if end < 0 or not data.startswith(start):
        return None
    lines = data[len(start) : end].decode("latin-1").split("\r\n", _MOST_HEADERS - 1)  # the last may be odd
    try:
        headers = dict(map(_LINES.__getitem__, lines))  # by their names in small letters
    except _Odd:
        return None
    if len(headers) != len(lines) or "host" not in headers or "content-length" not in headers:
        return None
    if headers["content-length"][1] != str(len(data) - end - 4):
        return None
    return headers, data[end + 4 :]


class Reply(Protocol):
    """A whole answer."""

    @property
    def close(self) -> bool:
        """Whether the connection ends with it."""

    def written(self) -> bytes:
        """Write its head and its body."""


Answering: TypeAlias = Coroutine[Any, Any, Reply]


class Seconds(NamedTuple):
    """How long what may last."""

    first_request: float  # until it is there
    keep_alive: float  # until the next one begins
    answer: float  # our own work on one


class Listener(Protocol):
    """What serves the connections of a listener."""

    def connected(self, speaker: "OrdinaryProtocol", transport: Transport) -> None:
        """A connection was made."""

    def answer(self, speaker: "OrdinaryProtocol", head: Head, content: bytes) -> Answering | None:
        """Answer a request, whatever happens; cancelled when that takes too long. None: it is not ordinary here."""

    def too_late(self, speaker: "OrdinaryProtocol", head: Head) -> Reply:
        """The answer to a request on which we have worked for too long."""

    def hand_over(self, speaker: "OrdinaryProtocol", transport: Transport, expires: float | None) -> asyncio.Protocol:
        """What goes on with a connection on which something is not ordinary; it knows the transport already.

        `expires`: when the first request has to be there, in the loop's time, where none has come yet.
        """

    def disconnected(self, speaker: "OrdinaryProtocol") -> None:
        """A connection was lost, and nothing is under way any more for whom it was."""


class OrdinaryProtocol(asyncio.Protocol):
    """One connection, as long as each request on it is ordinary and comes when the one before it was answered."""

    def __init__(self, listener: Listener, loop: AbstractEventLoop, start: bytes, seconds: Seconds) -> None:
        """`start` is the first line of every request, with its end."""
        self._listener = listener
        self._loop = loop
        self._start = start
        self._seconds = seconds
        self._transport: Transport | None = None
        self._asked = False  # by a request at all
        self._busy = False  # with an answer
        self._awaited: Future[Any] | None = None  # what it waits for, or the task that makes it where it waits again
        self._patience: TimerHandle | None = None  # with that
        self._late = False
        self._head: Head | None = None  # of the request that waits
        self._ahead = b""  # what came before the answer went
        self._half_closed = False
        self._finished = False  # by us: the request that it is busy with is the last
        self._full = False  # of answers that nobody reads
        self._expires = 0.0  # when nobody waits for the next request any more

    # --- the connection ---------------------------------------------------------------------------------------------

    def connection_made(self, transport: BaseTransport) -> None:
        """Wait for the first request, but not for ever."""
        self._transport = made = cast("Transport", transport)
        self._expires = self._loop.time() + self._seconds.first_request
        self._timer = self._loop.call_at(self._expires, self._look)
        self._listener.connected(self, made)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - as asyncio calls it
        """Nobody is there any more. What is under way goes on: it may have changed something."""
        self._transport = None
        self._timer.cancel()
        if not self._busy:
            self._listener.disconnected(self)

    def eof_received(self) -> bool:
        """The other end sends no more, and may still read what it has asked for; TLS knows no such half."""
        transport = self._transport
        self._half_closed = self._busy and transport is not None and transport.get_extra_info("sslcontext") is None
        return self._half_closed

    def pause_writing(self) -> None:
        """Take no further request of who does not read the answers."""
        self._full = True
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The answers were read."""
        self._full = False
        transport = self._transport
        if transport is not None and not transport.is_closing() and not self._ahead:
            transport.resume_reading()

    def finish(self) -> None:
        """End it, once what is under way has been answered."""
        self._finished = True
        if not self._busy:
            self.force_close()

    def force_close(self) -> None:
        """End it."""
        if self._transport is not None:
            self._transport.close()

    def _look(self) -> None:
        """Whether the time is up; a request that is being answered has its own."""
        transport, now = self._transport, self._loop.time()
        if self._busy:
            self._timer = self._loop.call_at(max(self._expires, now + 1), self._look)
        elif now < self._expires:
            self._timer = self._loop.call_at(self._expires, self._look)
        elif transport is not None and not transport.is_closing():
            transport.close()
            self._timer = self._loop.call_at(now + _FLUSH_SECONDS, self._look)
        elif transport is not None:
            transport.abort()  # it would wait until somebody reads

    # --- requests ---------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Answer a request, or let somebody do it who can."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self._busy:
            self._ahead += data
            transport.pause_reading()
            return
        request = read(data, self._start)
        work = None if request is None else self._listener.answer(self, *request)
        if request is None or work is None:
            self._hand_over(transport, data)
            return
        self._asked = self._busy = True
        context = copy_context()
        try:
            awaited = context.run(work.send, None)
        except StopIteration as done:
            self._answer(done.value)  # in the same breath, as half of all are
            return
        except BaseException:
            self._end()
            raise
        self._head = request[0]
        self._patience = self._loop.call_later(self._seconds.answer, self._too_late)
        if isinstance(awaited, Future):
            # The other half wait once, for their row of a common statement. That needs none either.
            self._awaited = awaited
            awaited.add_done_callback(partial(self._go_on, work), context=context)
        else:
            self._awaited = self._loop.create_task(self._finish(work, awaited), context=context)

    def _go_on(self, work: Answering, _: Future[Any]) -> None:
        try:
            awaited = work.send(None)
        except StopIteration as done:
            self._answer(done.value)
        except CancelledError:
            self._give_up()
        except BaseException:
            self._end()
            raise
        else:
            self._awaited = task = self._loop.create_task(self._finish(work, awaited))
            if self._late:
                task.cancel()

    async def _finish(self, work: Answering, awaited: object) -> None:
        try:
            answer = await _rest(work, awaited)
        except CancelledError:
            self._give_up()
        except BaseException:
            self._end()
            raise
        else:
            self._answer(answer)

    def _give_up(self) -> None:
        if self._late and self._head is not None:
            self._answer(self._listener.too_late(self, self._head))
        else:
            self._end()

    def _end(self) -> None:
        """There is no answer, by a mistake of ours: nobody shall wait for it."""
        self._done()
        if self._transport is not None:
            self._transport.close()

    def _too_late(self) -> None:
        self._late = True
        if self._awaited is not None:
            self._awaited.cancel()

    def _done(self) -> None:
        """Nothing is under way any more."""
        self._busy = self._late = False
        if self._patience is not None:
            self._patience.cancel()
            self._patience = self._awaited = self._head = None
        if self._transport is None:
            self._listener.disconnected(self)

    def _answer(self, answer: Reply) -> None:
        self._done()
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        transport.write(answer.written())
        self._expires = self._loop.time() + self._seconds.keep_alive
        if answer.close or self._finished:
            transport.close()
        elif self._ahead:
            self._hand_over(transport, self._ahead)
        elif self._half_closed:
            transport.close()

    def _hand_over(self, transport: Transport, data: bytes) -> None:
        self._timer.cancel()
        self._transport = None
        successor = self._listener.hand_over(self, transport, None if self._asked else self._expires)
        transport.set_protocol(successor)
        if self._full:
            successor.pause_writing()
        if self._ahead or self._full:
            transport.resume_reading()
        successor.data_received(data)


async def _rest(work: Answering, awaited: object) -> Reply:
    """What is left of a coroutine that has begun outside of a task and waits for something: this is for a task.

    As `eager_start` of Python 3.12 has it; from there on a task takes real coroutines only.
    """
    return await _steps(work, awaited)


@coroutine
def _steps(work: Answering, awaited: object) -> Generator[object, Any, Reply]:
    try:
        yield awaited
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is for the coroutine
        try:
            awaited = work.throw(error)
        except StopIteration as done:
            return cast("Reply", done.value)
        return (yield from _steps(work, awaited))
    else:
        answer: Reply = yield from work
        return answer
