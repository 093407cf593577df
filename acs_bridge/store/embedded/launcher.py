"""Starts one program of Postgres so that it cannot outlive the process that asked for it.

It runs as a program of its own, `python -I -S launcher.py LIFE PARENT UID GID FOLDER COMMAND…`, and imports nothing of
acs_bridge, because it changes its account: that must not happen inside the daemon, nor between fork and exec.

LIFE is how it learns that the starter (process id PARENT) has died:

* `signal:N`: Linux sends signal N to the program itself (prctl(2), PR_SET_PDEATHSIG). The kernel forgets that wish when
  the account changes, so the account is dropped first; a parent that died before the wish is noticed by asking again.
  The wish is bound to the *thread* that started us, so the starter uses this from its main thread only.
* `pipe:FD`: everywhere else we stay as the program's parent and read a pipe that ends with the starter.
"""

import os
import signal
import sys
import time
from types import FrameType
from typing import NoReturn

PR_SET_PDEATHSIG = 1
FAST_SECONDS = 10.0
IMMEDIATE_SECONDS = 5.0


def drop(uid: int, gid: int) -> None:
    """Become an unprivileged account for good; a negative uid: stay who we are."""
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)


def follow_by_signal(number: int, parent: int, uid: int, gid: int, command: list[str]) -> NoReturn:
    """Ask the kernel for the signal, then turn into the program."""
    import ctypes  # noqa: PLC0415 -- only Linux needs it, and the account must be able to read it: so before `drop`

    libc = ctypes.CDLL(None, use_errno=True)
    drop(uid, gid)
    if libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        sys.exit("the process that started this one has ended")
    os.execv(command[0], command)  # noqa: S606 -- the point of this program


def follow_by_pipe(pipe: int, uid: int, gid: int, command: list[str]) -> NoReturn:
    """Stay as the program's parent: pass signals on, end it when the pipe ends, end with it."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)
    signal.signal(signal.SIGCHLD, _end_with_child)
    signal.pthread_sigmask(signal.SIG_BLOCK, (*signals, signal.SIGCHLD))  # until we know whom to pass them on to
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (*signals, signal.SIGCHLD))
        os.close(pipe)
        drop(uid, gid)
        os.execv(command[0], command)  # noqa: S606 -- the point of this program

    def pass_on(number: int, _frame: FrameType | None) -> None:
        os.kill(child, number)

    for number in signals:
        signal.signal(number, pass_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (*signals, signal.SIGCHLD))
    os.read(pipe, 1)
    for number, seconds in ((signal.SIGINT, FAST_SECONDS), (signal.SIGQUIT, IMMEDIATE_SECONDS)):
        os.kill(child, number)
        time.sleep(seconds)  # cut short by the child's end
    os.kill(child, signal.SIGKILL)
    sys.exit(1)


def _end_with_child(_number: int, _frame: FrameType | None) -> None:
    _, status = os.wait()
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def main(life: str, parent: str, uid: str, gid: str, folder: str, *command: str) -> NoReturn:
    """Do as the command line says."""
    os.chdir(folder)
    os.umask(0o077)
    how, _, number = life.partition(":")
    if how == "signal":
        follow_by_signal(int(number), int(parent), int(uid), int(gid), list(command))
    follow_by_pipe(int(number), int(uid), int(gid), list(command))


if __name__ == "__main__":
    main(*sys.argv[1:])
