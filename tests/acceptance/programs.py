"""Programs that are driven from outside: started, listened to while they run, ended; and who still lives in a folder.

Every program is started in the folder of its site, and so is whatever it starts: who lives in the folder is found by
that, also when the program itself was killed and could not say goodbye.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Protocol, TypeVar

import psutil  # type: ignore[import-untyped]

T = TypeVar("T")

ROOT: Final = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS: Final = 30.0
LOOK_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and what it said where."""

    code: int
    out: str
    err: str


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "acs_bridge", *arguments]


class Output:
    """What a program says on one stream: kept, and waited for line by line."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lines: list[str] = []
        self._is_over = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    @property
    def text(self) -> str:
        with self._changed:
            return "".join(self._lines)

    def until(self, wanted: Callable[[str], T | None], count: int = 1, seconds: float = PATIENCE_SECONDS) -> list[T]:
        """What `wanted` makes of lines, as soon as it has made so much of them; it gives None for any other line."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_over or len(self._found(wanted)) >= count, seconds)
            found = self._found(wanted)
        assert len(found) >= count, f"{len(found)} of {count} such lines in:\n{self.text}"
        return found

    def close(self) -> None:
        """Return when nobody can say anything here any more: not the program, and nobody who has it from there."""
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive(), "somebody still holds the output of a program that has ended"
        self._stream.close()

    def _found(self, wanted: Callable[[str], T | None]) -> list[T]:
        return [made for made in map(wanted, self._lines) if made is not None]

    def _listen(self) -> None:
        for line in self._stream:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._is_over = True
            self._changed.notify_all()


def line_with(words: str) -> Callable[[str], str | None]:
    """What finds lines with these words."""
    return lambda line: line if words in line else None


class Process(Protocol):
    """As much of `subprocess.Popen` as is needed here."""

    pid: int

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, number: int, /) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


class Program:
    """`acs-bridge`, in a session of its own as under a terminal."""

    def __init__(self, process: Process, out: IO[str], err: IO[str]) -> None:
        self.process = process
        self.out = Output(out)
        self.err = Output(err)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def interrupt(self) -> None:
        """Press Ctrl-C: everybody in the foreground of the terminal hears of it."""
        os.killpg(self.process.pid, signal.SIGINT)

    def ended(self, seconds: float = PATIENCE_SECONDS) -> Ended:
        """How it ended; it has so many seconds left."""
        code = self.process.wait(seconds)
        self.out.close()
        self.err.close()
        return Ended(code, self.out.text, self.err.text)

    def end(self) -> None:
        """See to it that it has ended, whatever became of the test."""
        if self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(PATIENCE_SECONDS)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def started(arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Program:
    """`acs-bridge` with these arguments."""
    process = subprocess.Popen(
        command(*arguments),
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    return Program(process, process.stdout, process.stderr)


def inhabitants(folder: Path) -> list[psutil.Process]:
    """Every process that was started in a folder, or in one below it."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if Path(process.cwd()).is_relative_to(folder):
                found.append(process)
    return found


def survivors(processes: Sequence[psutil.Process], seconds: float = PATIENCE_SECONDS) -> list[psutil.Process]:
    """Who of them still lives after so many seconds."""
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return list(alive)


def eventually(look: Callable[[], T], wanted: Callable[[T], bool], seconds: float = PATIENCE_SECONDS) -> T:
    """Look again and again until what is seen is what is wanted: for what nothing tells, such as a number on a page."""
    pause = threading.Event()
    left = int(seconds / LOOK_SECONDS)
    while not wanted(seen := look()):
        left -= 1
        assert left, f"it stayed so: {seen!r}"
        pause.wait(LOOK_SECONDS)
    return seen
