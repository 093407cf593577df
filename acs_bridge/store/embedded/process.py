"""Processes of Postgres that end when we do.

Started by `launcher.py`, watched without a loop of their own, so that whoever starts one may stop it from another.
"""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, Signals
from typing import IO

from acs_bridge.store.embedded.account import Account

LAUNCHER = Path(__file__).with_name("launcher.py")
LOOK_SECONDS = 0.005
PASSED_ON = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""What the interpreter itself may need; nothing else of our environment reaches Postgres (it reads PG…)."""


@dataclass(frozen=True, slots=True)
class Program:
    """One program of Postgres: what to run, as whom, where, and how it ends when we are killed."""

    command: Sequence[str]
    account: Account | None
    folder: Path
    lock: int
    """Inherited by the program: the data folder stays taken for as long as it lives."""
    death_signal: Signals = SIGKILL

    def start(self, output: int, stdin: int | IO[bytes] = subprocess.DEVNULL) -> "Process":
        """Start it in a session of its own, so that a Ctrl-C in our terminal is ours alone."""
        life = _Life(self.death_signal)
        account = self.account or Account(-1, -1)
        arguments = (life.argument, os.getpid(), account.uid, account.gid, self.folder, *self.command)
        try:
            process = subprocess.Popen(  # noqa: S603 -- our own launcher and binaries
                [sys.executable, "-I", "-S", str(LAUNCHER), *map(str, arguments)],
                stdin=stdin,
                stdout=output,
                stderr=output,
                pass_fds=(self.lock, *life.inherited),
                start_new_session=True,
                env={"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath} | _passed_on(),
            )
        finally:
            life.started()
        return Process(process, life)


class _Life:
    """What ties the program's life to ours: the kernel where it can, a pipe that ends with us elsewhere."""

    def __init__(self, death_signal: Signals) -> None:
        self._write_end: int | None = None
        self.inherited: tuple[int, ...] = ()
        self.argument = f"signal:{death_signal.value}"
        if not _kernel_can():
            read_end, self._write_end = os.pipe()
            self.inherited = (read_end,)
            self.argument = f"pipe:{read_end}"

    def started(self) -> None:
        for end in self.inherited:
            os.close(end)

    def ended(self) -> None:
        if self._write_end is not None:
            os.close(self._write_end)
            self._write_end = None


def _kernel_can() -> bool:
    """Whether the kernel follows us: Linux does, and only the thread that starts the program."""
    return sys.platform == "linux" and threading.current_thread() is threading.main_thread()


def _passed_on() -> dict[str, str]:
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}


class Process:
    """A program that was started."""

    def __init__(self, process: subprocess.Popen[bytes], life: _Life) -> None:
        self._process = process
        self._life = life

    @property
    def pid(self) -> int:
        """Its number; with a pipe as its life, that of the launcher above it."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def feed(self, text: str) -> None:
        """Give it all its input and no more."""
        stdin = self._process.stdin
        if stdin:
            with suppress(BrokenPipeError):  # it has ended; its log says why
                stdin.write(text.encode())
                stdin.close()

    async def ended(self, seconds: float | None = None, look: float = LOOK_SECONDS) -> int | None:
        """Wait for its end; None when it has not come after `seconds`."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while (code := self._process.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                return None
            await asyncio.sleep(look)
        self._life.ended()
        return code

    async def end(self, *manners: tuple[Signals, float]) -> None:
        """End it: each signal is given its seconds before the next; the last resort is SIGKILL."""
        for number, seconds in manners:
            if self._process.poll() is None:
                self._process.send_signal(number)
            if await self.ended(seconds) is not None:
                return
        if self._process.poll() is None:
            os.killpg(self._process.pid, SIGKILL)  # with a launcher that stayed above it
        await self.ended()
