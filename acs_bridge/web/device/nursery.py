"""Where workers come from: a process that has imported everything and opened nothing, and forks when it is told to.

It is forked itself before the daemon has an event loop, a thread or a connection: none of that would survive a fork. A
worker is there in some milliseconds, where a Python of its own would import the same for a second, it shares the memory
of what was imported, and one that is replaced has the code that the daemon began with.
"""

import asyncio
import errno
import gc
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Final, NoReturn, Self

from acs_bridge.errors import AcsBridgeError

Work = Callable[[socket.socket, socket.socket], None]
"""What a worker does, with its end of the line to the daemon and the device listener; it ends when this returns."""

_FORK: Final = b"+"
_NOBODY: Final = 0
"""In the place of a pid: nobody was born, and the error's number follows."""
_DEAF_TO: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # they reach whole groups: the daemon decides


class NurseryDied(AcsBridgeError):
    """Somebody has killed it."""

    title = "The process that starts workers has ended"


class NotForked(AcsBridgeError):
    """The kernel has no room for another process, now."""

    title = "A worker cannot be started"


@dataclass(frozen=True, slots=True)
class Child:
    """A process that was forked off."""

    pid: int
    ended: asyncio.Future[int | None]
    """Its exit code, as `subprocess` says it (negative: a signal); None: the nursery has ended, and nobody knows."""

    def kill(self) -> None:
        """End it at once, if it has not ended."""
        if not self.ended.done():
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


class Nursery:
    """The daemon's side of it. Leaving it lets it end; so does the end of the daemon, however that comes."""

    def __init__(self, pid: int, control: socket.socket) -> None:
        self._pid = pid
        self._control = control
        self._children: dict[int, Child] = {}
        self._births: asyncio.Queue[Child | NotForked | None] = asyncio.Queue()
        self._turn = asyncio.Lock()
        self._died = asyncio.Event()

    @classmethod
    def forked(cls, work: Work) -> Self:
        """Fork the nursery, before there is a loop or a thread. This returns in the daemon alone."""
        ours, theirs = socket.socketpair()
        gc.freeze()  # a search for cycles would write to every page, and end the sharing
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            ours.close()
            _tend(theirs, work)
        theirs.close()
        return cls(pid, ours)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._control.close()
        os.waitpid(self._pid, 0)

    async def listen(self) -> None:
        """Hear of births and ends, as long as workers are needed."""
        reader, writer = await asyncio.open_unix_connection(sock=self._control.dup())
        try:
            while line := await reader.readline():
                self._take(*map(int, line.split()))
        finally:
            writer.close()
        self._births.put_nowait(None)
        for child in self._children.values():
            child.ended.set_result(None)
        self._died.set()

    async def until_it_fails(self) -> None:
        """End by an error only. Raises NurseryDied."""
        await self._died.wait()
        raise NurseryDied

    def _take(self, pid: int, code: int | None = None) -> None:
        if pid == _NOBODY and code is not None:
            self._births.put_nowait(NotForked(f"a worker cannot be started: {os.strerror(code)}"))
        elif code is None:
            self._children[pid] = child = Child(pid, asyncio.get_running_loop().create_future())
            self._births.put_nowait(child)
        else:
            self._children.pop(pid).ended.set_result(code)

    async def fork(self, line: socket.socket, listener: socket.socket) -> Child:
        """Have a worker forked off that holds these two, while somebody listens. Raises NotForked, NurseryDied."""
        async with self._turn:
            try:
                socket.send_fds(self._control, [_FORK], [line.fileno(), listener.fileno()])
            except ConnectionError:
                raise NurseryDied from None
            child = await self._births.get()
        if child is None:
            raise NurseryDied
        if isinstance(child, NotForked):
            raise child
        return child


def _tend(control: socket.socket, work: Work) -> NoReturn:
    """Fork whenever asked to, and tell who has ended, until the daemon is gone."""
    for number in _DEAF_TO:
        signal.signal(number, signal.SIG_IGN)
    woken, waker = socket.socketpair()
    waker.settimeout(0)
    signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select((control, woken), (), ())
        if woken in ready:
            woken.recv(select.PIPE_BUF)
            _tell_ends(control)
        if control in ready:
            descriptors = _asked(control)
            if not descriptors:
                os._exit(0)  # to take apart what was imported would copy every page of it
            if _fork(control) == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for each in (control, woken, waker):
                    each.close()
                line, listener = (socket.socket(fileno=descriptor) for descriptor in descriptors)
                work(line, listener)
                os._exit(0)  # to take apart what was imported would copy every page of it
            for descriptor in descriptors:
                os.close(descriptor)


def _asked(control: socket.socket) -> list[int]:
    """Take what the next worker is to hold; nothing: the daemon is gone."""
    try:
        return socket.recv_fds(control, len(_FORK), 2)[1]
    except ConnectionError:  # without having read all that it was told
        return []


def _fork(control: socket.socket) -> int | None:
    """Fork, and tell of it; None where the kernel refuses."""
    try:
        pid = os.fork()
    except OSError as error:
        _tell(control, _NOBODY, error.errno or errno.EAGAIN)
        return None
    if pid:
        _tell(control, pid)
    return pid


def _tell_ends(control: socket.socket) -> None:
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            _tell(control, ended[0], os.waitstatus_to_exitcode(ended[1]))


def _tell(control: socket.socket, *numbers: int) -> None:
    with suppress(ConnectionError):  # the daemon is gone: its end of the line says so
        control.sendall(b" ".join(b"%d" % number for number in numbers) + b"\n")
