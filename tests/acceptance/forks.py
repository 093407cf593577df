"""Daemons that do not import what others have imported: forked off from a process that has, one for each worker.

A daemon imports for a second, and the tests begin some sixty of them. What is forked off is a process like any other,
in a session, a folder, an environment and with an output of its own: signals reach it, whoever kills it kills it, and
its exit code is the kernel's. Daemons on a blank site, and all other commands, are begun as a shell would.
"""

import atexit
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from acs_bridge.cli.main import main
from tests.acceptance.programs import PATIENCE_SECONDS, ROOT, Program

IMPORTED: Final = ("acs_bridge.app", "acs_bridge.cli.first_admin", "acs_bridge.cli.worker", "uvloop")
"""What `serve` imports when it is run."""

LONGEST: Final = 1 << 20
WORDS: Final = 64


class Forked:
    """As much of `subprocess.Popen` as tests need."""

    def __init__(self, told: int) -> None:
        """`told`: where its number and then its exit code are told, a line each."""
        self._told = os.fdopen(told, "rb", buffering=0)
        self.pid = int(self._told.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not select.select((self._told,), (), (), timeout)[0]:
                raise subprocess.TimeoutExpired("acs-bridge", timeout or 0)
            self.returncode = int(self._told.readline())
            self._told.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def forked(arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Program:
    """`acs-bridge` with these arguments, as `programs.started` gives it."""
    wanted = {"arguments": arguments, "folder": str(folder), "environment": dict(environment)}
    ends = [os.pipe() for _ in range(3)]
    socket.send_fds(_forker(), [json.dumps(wanted).encode() + b"\n"], [write for _, write in ends])
    for _, write in ends:
        os.close(write)
    (out, _), (err, _), (told, _) = ends
    return Program(Forked(told), os.fdopen(out), os.fdopen(err))


@cache
def _forker() -> socket.socket:
    """The line to the process that forks, which ends with this one."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.acceptance.forks", str(theirs.fileno())],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"]},
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    atexit.register(process.wait, PATIENCE_SECONDS)
    atexit.register(ours.close)  # before it
    return ours


def _asked(control: socket.socket) -> dict[str, Any] | None:
    """Fork whenever asked to, and tell how each has ended. Gives each fork what it shall be; None: that was all."""
    living: dict[int, int] = {}
    woken, waker = socket.socketpair()
    waker.settimeout(0)
    signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select((control, woken), (), ())
        if woken in ready:
            woken.recv(WORDS)
            _tell_ends(living)
        if control in ready:
            content, descriptors, _, _ = socket.recv_fds(control, LONGEST, 3)
            if not content:
                return None
            while not content.endswith(b"\n"):
                content += control.recv(LONGEST)
            out, err, told = descriptors
            if (pid := os.fork()) == 0:
                os.dup2(out, 1)
                os.dup2(err, 2)
                for descriptor in (*descriptors, *living.values(), *(each.detach() for each in (control, woken))):
                    os.close(descriptor)
                signal.set_wakeup_fd(-1)
                waker.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                wanted: dict[str, Any] = json.loads(content)
                return wanted
            os.close(out)
            os.close(err)
            living[pid] = told
            os.write(told, b"%d\n" % pid)


def _tell_ends(living: dict[int, int]) -> None:
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            told = living.pop(ended[0])
            with suppress(BrokenPipeError):  # nobody has waited for it
                os.write(told, b"%d\n" % os.waitstatus_to_exitcode(ended[1]))
            os.close(told)


def _become(arguments: Sequence[str], folder: str, environment: Mapping[str, str]) -> None:
    """Be where a shell would have begun it."""
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None
    sys.argv = ["acs-bridge", *arguments]


if __name__ == "__main__":
    for name in IMPORTED:
        import_module(name)
    gc.freeze()
    if (wanted := _asked(socket.socket(fileno=int(sys.argv[1])))) is not None:
        _become(**wanted)
        main()
